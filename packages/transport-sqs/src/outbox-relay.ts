import { type Clock, isStackyardError, type Logger, type Store, silentLogger, type Transport } from "@stackyard/core";
import { type DueItem, systemClock } from "@stackyard/core/engine";

/** What a relay works with. */
export interface OutboxRelayDeps {
  readonly store: Pick<Store, "takeDue" | "acknowledge" | "giveBack">;
  readonly transport: Pick<Transport, "publish" | "sendTasks">;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** Moves what commits have left in a store's outbox to the queues. */
export interface OutboxRelay {
  /**
   * Sends all that is due: results and other events that commits have made, task messages, polls, and attempts whose lease has
   * lapsed. Called after commits and again by the sweep; gives how many were sent. Throws errors of the transport, and what
   * was not sent is in the outbox still; what is too large for its queue is passed over for some minutes. A crash between sending and removing sends twice, which ids and claims make harmless.
   */
  drain(): Promise<number>;
}

type EventItem = Extract<DueItem, { kind: "event" }>;
type TaskItem = Extract<DueItem, { kind: "task" | "poll" | "lapsedLease" }>;

const LIMIT = 100;
/** What is taken out by a process that dies is sent by another one after this. */
const LEASE_MS = 30_000;
/** A poll is not acknowledged but claimed, by a runner that reads its message; queues may be that long. */
const POLL_LEASE_MS = 300_000;

/** A relay between a store and a transport that does not read it. */
export function createOutboxRelay(deps: OutboxRelayDeps): OutboxRelay {
  return {
    async drain() {
      const events = await drainKind(deps, {
        ...{ kinds: ["event"], leaseMs: LEASE_MS },
        isWanted: (item): item is EventItem => item.kind === "event",
        send: (items) => deps.transport.publish(items.map(({ event }) => event)),
      });
      const tasks = await drainKind(deps, { kinds: ["task"], leaseMs: LEASE_MS, ...taskSending(deps) });
      const polls = await drainKind(deps, {
        kinds: ["poll", "lapsedLease"],
        leaseMs: POLL_LEASE_MS,
        ...taskSending(deps),
      });
      return events + tasks + polls;
    },
  };
}

function taskSending({ transport }: OutboxRelayDeps): Pick<DrainInput<TaskItem>, "isWanted" | "send"> {
  return {
    isWanted: (item): item is TaskItem => item.kind === "task" || item.kind === "poll" || item.kind === "lapsedLease",
    send: (items) => transport.sendTasks(items.map(({ message }) => message)),
  };
}

interface DrainInput<Item> {
  readonly kinds: readonly DueItem["kind"][];
  readonly leaseMs: number;
  isWanted(item: DueItem): item is Item & DueItem;
  send(items: readonly Item[]): Promise<void>;
}

async function drainKind<Item extends { readonly receipt: string }>(
  deps: OutboxRelayDeps,
  input: DrainInput<Item>,
): Promise<number> {
  const { store, clock = systemClock } = deps;
  const { kinds, leaseMs, isWanted } = input;
  for (let sent = 0; ; ) {
    const items = (await store.takeDue({ kinds, now: clock.now(), limit: LIMIT, leaseMs })).filter(isWanted);
    if (items.length === 0) return sent;
    sent += await sendItems(deps, input, items);
  }
}

/** Sends and acknowledges. One item that is too large for the queue holds up no other: it waits, and the log says so. */
async function sendItems<Item extends { readonly receipt: string }>(
  deps: OutboxRelayDeps,
  input: DrainInput<Item>,
  items: readonly Item[],
): Promise<number> {
  const { store, clock = systemClock, logger = silentLogger } = deps;
  const receipts = items.map(({ receipt }) => receipt);
  try {
    await input.send(items);
  } catch (error) {
    const isTooLarge = isStackyardError(error, "PAYLOAD_TOO_LARGE");
    if (isTooLarge && items.length > 1) return sendOneByOne(deps, input, items);
    if (isTooLarge) logger.error("A message of the outbox is too large for its queue. Set claimChecks.", { error });
    await store.giveBack(receipts, clock.now() + (isTooLarge ? TOO_LARGE_MS : 0));
    if (isTooLarge) return 0;
    throw error;
  }
  await store.acknowledge(receipts);
  return items.length;
}

async function sendOneByOne<Item extends { readonly receipt: string }>(
  deps: OutboxRelayDeps,
  input: DrainInput<Item>,
  items: readonly Item[],
): Promise<number> {
  let sent = 0;
  for (const item of items) sent += await sendItems(deps, input, [item]);
  return sent;
}

/** Until then somebody may have changed the configuration. */
const TOO_LARGE_MS = 300_000;
