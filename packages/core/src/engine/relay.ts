import { isStackyardError } from "../errors/stackyard-error.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/executor.ts";
import type { Store } from "../ports/store.ts";
import type { DeliveryOutcome, EventDelivery, Transport } from "../ports/transport.ts";
import type { DueItem } from "../ports/work-queue.ts";
import type { Engine } from "./engine.ts";
import { decideQueued, type EventItem, isEvent, isTask, type TaskItem } from "./work-loop.ts";

/** Dependencies of a relay. */
export interface OutboxRelayDeps {
  readonly store: Pick<Store, "takeDue" | "release">;
  readonly transport: Pick<Transport, "publish" | "sendTasks">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Which parts of an outbox are moved. */
export interface DrainOptions {
  /** Default: all four. */
  readonly kinds?: readonly DrainedKind[];
  /**
   * Also sends polls that are due by that instant, with the remaining delay. At most `maxDelayMs` of the transport from
   * now. Default: only polls that are due now.
   */
  readonly pollsUntil?: number;
  /** Stops at that instant. Default: when the outbox is empty. */
  readonly stopAt?: number;
}

/**
 * `event`: results and other events that commits have queued; `task`: task messages; the others: messages that are sent
 * again.
 */
export type DrainedKind = "event" | "task" | "poll" | "lapsedLease";

/** Sends the messages that commits leave in a store's outbox to queues. */
export interface OutboxRelay {
  /**
   * Sends everything that is due: results and other events that commits have queued, task messages, polls, and attempts
   * whose lease has expired. Called after commits and by the sweep. Returns the number of messages. Throws errors of
   * the transport; unsent messages stay in the outbox. A message that its queue rejects permanently is skipped for some
   * minutes. A crash between sending and removing sends a message twice, which ids and claims make harmless.
   */
  drain(options?: DrainOptions): Promise<number>;
}

const ALL: readonly DrainedKind[] = ["event", "task", "poll", "lapsedLease"];
const LIMIT = 100;
/** When a process crashes, another one sends its received messages after this time. */
const LEASE_MS = 30_000;
/** A poll is not acknowledged but claimed, by a runner that reads its message; queues may be that long. */
const POLL_LEASE_MS = 300_000;
/**
 * A runner whose clock is a little behind would find the attempt not yet due, and the poll would wait for its lease.
 */
const POLL_MARGIN_MS = 1_000;

/** Creates a relay between a store and a transport that does not read it. */
export function createOutboxRelay(deps: OutboxRelayDeps): OutboxRelay {
  const { transport, clock } = deps;
  const tasks = {
    isWanted: isTask,
    send: (items: readonly TaskItem[], delayMs: number) =>
      transport.sendTasks(
        items.map(({ message }) => message),
        { delayMs },
      ),
  };
  return {
    async drain({ kinds = ALL, pollsUntil, stopAt } = {}) {
      let sent = 0;
      const again = kinds.filter((kind) => kind === "poll" || kind === "lapsedLease");
      if (kinds.includes("event")) {
        const send = (items: readonly EventItem[]) => transport.publish(items.map(({ event }) => event));
        sent += await drainKind(deps, { kinds: ["event"], leaseMs: LEASE_MS, stopAt, isWanted: isEvent, send });
      }
      if (kinds.includes("task")) {
        sent += await drainKind(deps, { kinds: ["task"], leaseMs: LEASE_MS, stopAt, ...tasks });
      }
      if (pollsUntil !== undefined && pollsUntil > clock.now()) {
        sent += await drainKind(deps, { kinds: ["poll"], leaseMs: POLL_LEASE_MS, until: pollsUntil, stopAt, ...tasks });
      }
      if (again.length > 0) sent += await drainKind(deps, { kinds: again, leaseMs: POLL_LEASE_MS, stopAt, ...tasks });
      return sent;
    },
  };
}

interface DrainInput<Item> {
  readonly kinds: readonly DueItem["kind"][];
  readonly leaseMs: number;
  /** Later than now. */
  readonly until?: number;
  readonly stopAt: number | undefined;
  isWanted(item: DueItem): item is Item & DueItem;
  send(items: readonly Item[], delayMs: number): Promise<void>;
}

async function drainKind<Item extends EventItem | TaskItem>(
  deps: OutboxRelayDeps,
  input: DrainInput<Item>,
): Promise<number> {
  const { store, clock } = deps;
  const { kinds, leaseMs, isWanted, until, stopAt = Number.POSITIVE_INFINITY } = input;
  for (let sent = 0; ; ) {
    const now = clock.now();
    if (now >= stopAt) return sent;
    const due = await store.takeDue({ kinds, now: Math.max(now, until ?? now), limit: LIMIT, leaseMs });
    const items = due.filter(isWanted);
    sent += await sendGroups(deps, input, groupByDelay(items, now));
    if (due.length < LIMIT) return sent;
  }
}

/**
 * Sends groups one after the other; when one cannot be sent, it and the later ones are released to be delivered again.
 */
async function sendGroups<Item extends EventItem | TaskItem>(
  deps: OutboxRelayDeps,
  input: DrainInput<Item>,
  groups: readonly SentItems<Item>[],
): Promise<number> {
  const { store, clock } = deps;
  let sent = 0;
  for (const [place, group] of groups.entries()) {
    try {
      sent += await sendItems(deps, input, group);
    } catch (error) {
      const behind = groups.slice(place + 1).flatMap(({ items }) => items.map(({ receipt }) => receipt));
      await store.release(behind, clock.now());
      throw error;
    }
  }
  return sent;
}

interface SentItems<Item> {
  readonly items: readonly Item[];
  readonly delayMs: number;
}

/** Groups items by seconds of delay, soonest first. */
function groupByDelay<Item>(items: readonly Item[], now: number): readonly SentItems<Item>[] {
  const groups = Map.groupBy(items, (item) => toDelayMs(item, now));
  return [...groups].map(([delayMs, group]) => ({ delayMs, items: group })).sort((a, b) => a.delayMs - b.delayMs);
}

function toDelayMs(item: unknown, now: number): number {
  const dueAt = typeof item === "object" && item !== null && "dueAt" in item ? Number(item.dueAt) : now;
  return dueAt > now ? Math.ceil((dueAt + POLL_MARGIN_MS - now) / 1_000) * 1_000 : 0;
}

/**
 * Sends and acknowledges. One item that its queue refuses permanently does not block others: it waits, and is logged.
 */
async function sendItems<Item extends EventItem | TaskItem>(
  deps: OutboxRelayDeps,
  input: DrainInput<Item>,
  { items, delayMs }: SentItems<Item>,
): Promise<number> {
  const { store, clock, logger } = deps;
  const receipts = items.map(({ receipt }) => receipt);
  try {
    await input.send(items, delayMs);
  } catch (error) {
    const isRefused = isMessageRefused(error);
    if (isRefused && items.length > 1) return sendOneByOne(deps, input, { items, delayMs });
    await store.release(receipts, clock.now() + (isRefused ? REFUSED_MS : 0));
    if (!isRefused) throw error;
    logger.error("The queue rejected a message of the outbox; it is sent again later.", { error, ...toNames(items) });
    return 0;
  }
  await store.release(receipts);
  return items.length;
}

async function sendOneByOne<Item extends EventItem | TaskItem>(
  deps: OutboxRelayDeps,
  input: DrainInput<Item>,
  { items, delayMs }: SentItems<Item>,
): Promise<number> {
  let sent = 0;
  for (const item of items) sent += await sendItems(deps, input, { items: [item], delayMs });
  return sent;
}

/** Returns true when the message is at fault: the queue would refuse it each time. */
function isMessageRefused(error: unknown): boolean {
  return isStackyardError(error) && (error.code === "PAYLOAD_TOO_LARGE" || error.details["refused"] === "message");
}

/** Returns the id of the message, for the log. */
function toNames([item]: readonly (EventItem | TaskItem)[]): Readonly<Record<string, string>> {
  if (item === undefined) return {};
  return item.kind === "event" ? { eventId: item.event.id } : { attemptId: item.attemptId };
}

/** By then the configuration may have changed. */
const REFUSED_MS = 300_000;

/** Dependencies of draining a store's outbox. */
interface DrainStoreDeps {
  readonly store: Pick<Store, "takeDue" | "release">;
  readonly handle: (deliveries: readonly EventDelivery[]) => Promise<readonly DeliveryOutcome[]>;
  readonly outbox: OutboxRelay;
  readonly clock: Clock;
}

const DECIDED_AT_ONCE = 64;

/** A commit may have cancelled suspended attempts: their polls are due at once. */
const SENT = ["task", "poll"] as const;

/**
 * Processes what commits have left in the store: sends task messages and due polls, and decides the events in the
 * store's own queue, such as those of cancelled attempts and dead letters that were sent again. They need not travel to
 * the queue of events and back. Ends when the queue is empty, or at that instant; returns the number of items.
 */
export async function drainStore(deps: DrainStoreDeps, stopAt: number): Promise<number> {
  const { store, clock, outbox, handle } = deps;
  let worked = await outbox.drain({ kinds: SENT, stopAt });
  while (clock.now() < stopAt) {
    const take = { kinds: ["event"], now: clock.now(), limit: DECIDED_AT_ONCE, leaseMs: LEASE_MS } as const;
    const items = (await store.takeDue(take)).filter(isEvent);
    if (items.length === 0) break;
    await decideQueued({ store, clock }, items, handle);
    worked += items.length + (await outbox.drain({ kinds: SENT, stopAt }));
  }
  return worked;
}

/** The messages that are sent after a task has ended, and their dependencies. */
interface SendResultsDeps {
  readonly outbox: OutboxRelay;
  readonly kinds: readonly DrainedKind[];
  /**
   * True if the outbox returns only messages that this process has queued. Other processes do not send them before the
   * sweep.
   */
  readonly isOwn: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The time limit; the sweep sends the rest. Meanwhile the message of the task is not removed, and a function has a time
 * limit.
 */
const SEND_MS = 5_000;

/**
 * Sends the messages that a task has left in the store's outbox: its result, the next task of a key that it held, and
 * the tasks that the commit of its result has dispatched. If that fails, logs the error and leaves the messages to the
 * sweep; running the task again would not help.
 */
export async function sendResults(attemptId: string, deps: SendResultsDeps): Promise<void> {
  const { outbox, kinds, isOwn, clock, logger } = deps;
  const stopAt = clock.now() + SEND_MS;
  try {
    // A stack's results go in order: one that came while another was out was not given to the process that has left it.
    while ((await outbox.drain({ kinds, stopAt })) > 0 && isOwn && clock.now() < stopAt);
  } catch (error) {
    const code = isStackyardError(error) ? error.code : "INTERNAL";
    logger.error("A result could not be sent; the next sweep sends it.", { error, code, attemptId });
  }
}

/** Sends work to a queue with delayed messages, which delivers it when it is due. */
export interface TickSender {
  send(items: readonly DueItem[]): Promise<void>;
}

/** A transport that does not read the store: a relay sends it the messages that commits leave in the store's outbox. */
export interface ForeignTransport extends Transport {
  /**
   * Like `takeDue` of the store, but returns only items that this process itself has queued shortly before. Processes
   * that all call `takeDue` find the same items, and only one of them gets each item. Default: `takeDue`, for stores
   * where it is cheap.
   */
  readonly takeOwn?: Store["takeDue"] | undefined;
  /** The kinds of work that are sent after a task has ended. Default: events, task messages and polls. */
  readonly afterTask?: readonly DrainedKind[];
  /** Default: none; the sweep applies due work itself. */
  readonly ticks?: TickSender | undefined;
}

/** Dependencies of the relays to another transport. */
interface RelayDeps {
  readonly store: Pick<Store, "takeDue" | "release">;
  readonly transport: ForeignTransport;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The engine of the store's own queue. */
  readonly queued: Pick<Engine, "handle">;
}

/** The relays from the store's outbox to another transport: one for all messages, one for those of this process. */
export interface Relays {
  /** Sends all messages. */
  readonly all: OutboxRelay;
  readonly maxDelayMs: number;
  /** Decides and sends what is due, all of it or what this process has queued. Returns the number of items. */
  drain(stopAt: number, whose?: "own"): Promise<number>;
  sendResults(attemptId: string): Promise<void>;
  /** Sends the events that a step of a running attempt has queued: those of a release to other stacks. */
  sendEvents(attemptId: string): Promise<void>;
}

/** A commit of a result may also have cancelled suspended attempts: their polls are due at once. */
const AFTER_TASK = ["event", "task", "poll"] as const;

/** Creates the relays from the store's outbox to another transport. */
export function createRelays({ store, transport, clock, logger, queued }: RelayDeps): Relays {
  const { takeOwn = store.takeDue, capabilities } = transport;
  const own = { ...store, takeDue: takeOwn };
  const all = createOutboxRelay({ store, transport, clock, logger });
  const ownOnly = createOutboxRelay({ store: own, transport, clock, logger });
  const { afterTask = AFTER_TASK } = transport;
  const deps = { outbox: ownOnly, isOwn: transport.takeOwn !== undefined, clock, logger };
  return {
    all,
    maxDelayMs: capabilities.maxDelayMs,
    drain: (stopAt, whose) =>
      whose === "own"
        ? drainStore({ store: own, handle: queued.handle, outbox: ownOnly, clock }, stopAt)
        : drainStore({ store, handle: queued.handle, outbox: all, clock }, stopAt),
    sendResults: (attemptId) => sendResults(attemptId, { ...deps, kinds: afterTask }),
    sendEvents: (attemptId) => sendResults(attemptId, { ...deps, kinds: ["event"] }),
  };
}
