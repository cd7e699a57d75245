import { type Clock, type Logger, parseJson, type Store, type Transport } from "@stackyard/core";
import type { Change, DueItem, TickSender, Yard } from "@stackyard/core/engine";
import {
  type BatchItem,
  type DeadLetterSender,
  type Sender,
  type SqsBatch,
  type SqsBatchResponse,
  toBatchResponse,
} from "@stackyard/transport-sqs";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

// As long as the store accepts: a tick that its reader rejects would be sent forever, and the deadline never reached.
const Id = Type.String({ minLength: 1 });
// A stack that is not known yet may have parked events under the empty id.
const StackId = Type.String({ maxLength: 255 });
const Instant = Type.Integer({ minimum: 0 });

/**
 * A message of the queue `stack-ticks`: an item is due now. It names the item to check; the store decides whether it is
 * due.
 */
export const Tick = Type.Union([
  Type.Object({ tick: Type.Literal("timer"), stackId: StackId, dueAt: Instant }),
  Type.Object({ tick: Type.Literal("parked"), stackId: StackId, dueAt: Instant }),
  Type.Object({
    tick: Type.Literal("deadline"),
    stackId: StackId,
    attemptId: Id,
    task: Type.String(),
    why: Type.Union([Type.Literal("deadline"), Type.Literal("cancel")]),
    dueAt: Instant,
  }),
  /** The attempt's message goes to its queue: FIFO queues delay no single message, so the delay is here. */
  Type.Object({ tick: Type.Literal("poll"), attemptId: Id, dueAt: Instant }),
]);
export type Tick = Static<typeof Tick>;

const ticks = Compile(Tick);

/** Returns due work as a tick; undefined when it needs none. */
export function toTick(item: DueItem): Tick | undefined {
  switch (item.kind) {
    case "timer":
    case "parked":
      return { tick: item.kind, stackId: item.stackId, dueAt: item.dueAt };
    case "deadline": {
      const { stackId, attemptId, task, why, dueAt } = item;
      return { tick: "deadline", stackId, attemptId, task, why, dueAt };
    }
    case "poll":
      return { tick: "poll", attemptId: item.attemptId, dueAt: item.dueAt };
    default:
      return undefined;
  }
}

/** Parses the body of a message; undefined: it is not a tick. */
export function parseTick(body: string): Tick | undefined {
  const value = parseJson(body);
  return ticks.Check(value) ? value : undefined;
}

/** Returns a tick as the due work that the engine takes; undefined: not the engine's. */
export function toDueItem(tick: Tick): DueItem | undefined {
  if (tick.tick === "poll") return undefined;
  if (tick.tick !== "deadline") return { kind: tick.tick, stackId: tick.stackId, dueAt: tick.dueAt };
  const { stackId, attemptId, task, why, dueAt } = tick;
  return { kind: "deadline", stackId, attemptId, task, why, dueAt };
}

/** Sends due work to the queue `stack-ticks`, with the delay that is left. */
export function createTickSender(sender: Sender, clock: Clock): TickSender {
  return {
    async send(items) {
      const now = clock.now();
      await sender.send(items.flatMap((item) => toMessage(toTick(item), now)));
    },
  };
}

function toMessage(tick: Tick | undefined, now: number) {
  if (tick === undefined) return [];
  // The queue is not a FIFO queue: group and repeat mean nothing there.
  const plain = { attributes: {}, groupId: "", deduplicationId: "" };
  return [{ body: JSON.stringify(tick), ...plain, delayMs: Math.max(0, tick.dueAt - now) }];
}

/** Dependencies of handling ticks. */
interface HandleTicksDeps {
  readonly yard: { readonly engine: Pick<Yard["engine"], "processDue"> };
  readonly store: Pick<Store, "findTaskMessage">;
  readonly transport: Pick<Transport, "sendTasks">;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Outcome = BatchItem["outcome"];

const DONE: Outcome = { kind: "done" };
/**
 * The clocks of two functions differ by milliseconds; ticks that are further ahead are left to the lease of their take.
 */
const MOST_EARLY_MS = 2_000;

/**
 * Handles a batch of `stack-ticks`. Failed ticks are delivered again; other messages are ignored, because the store
 * lists due work.
 */
export async function handleTicks(deps: HandleTicksDeps, { messages }: SqsBatch): Promise<SqsBatchResponse> {
  const ticks = messages.map(({ body }) => parseTick(body));
  for (const [index, tick] of ticks.entries()) {
    if (tick === undefined) deps.logger.error("A message is not a tick.", { messageId: messages[index]?.messageId });
  }
  await waitUntilDue(deps.clock, ticks);
  const worked = await workAll(deps, ticks);
  const items = messages.map(({ messageId }, index) => ({ messageId, lane: "", outcome: worked[index] ?? DONE }));
  return toBatchResponse(items);
}

/** Waits until ticks are due: the clock of the sender may be ahead. */
async function waitUntilDue(clock: Clock, ticks: readonly (Tick | undefined)[]): Promise<void> {
  const now = clock.now();
  const early = ticks.map((tick) => (tick?.dueAt ?? now) - now).filter((ms) => ms > 0 && ms <= MOST_EARLY_MS);
  if (early.length > 0) await clock.sleep(Math.max(...early));
}

async function workAll(deps: HandleTicksDeps, ticks: readonly (Tick | undefined)[]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = ticks.map(() => DONE);
  const due = ticks.flatMap((tick, index) => {
    const item = tick === undefined ? undefined : toDueItem(tick);
    return item === undefined ? [] : [{ index, item }];
  });
  const worked = await deps.yard.engine.processDue(due.map(({ item }) => item));
  for (const [place, { index }] of due.entries()) outcomes[index] = worked[place] ?? DONE;
  const polls = ticks.map(async (tick, index) => {
    if (tick?.tick === "poll") outcomes[index] = await passOn(deps, tick.attemptId);
  });
  await Promise.all(polls);
  return outcomes;
}

/** Forwards a poll. An attempt that has ended meanwhile still has a message; its claim returns that it is gone. */
async function passOn({ store, transport, logger }: HandleTicksDeps, attemptId: string): Promise<Outcome> {
  try {
    const message = await store.findTaskMessage(attemptId);
    if (message !== undefined) await transport.sendTasks([message]);
    return DONE;
  } catch (error) {
    logger.error("A poll could not be forwarded; it is delivered again.", { error, attemptId });
    return { kind: "retry", reason: String(error) };
  }
}

/** The followers of commits. */
interface FollowCommitsDeps {
  readonly ticks: TickSender | undefined;
  /** Of the event dead-letter queue. */
  readonly deadLetters: DeadLetterSender | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The schedule comes within a minute and looks one further ahead; it would be too late for timers that are due sooner.
 */
const NEAR_MS = 60_000;
const MOST_KNOWN = 1_000;

/**
 * Returns the store with what follows from commits besides messages: a tick for a timer that is due before the schedule
 * would see it, and a copy for the dead-letter queue of the dead letters. Both are in the store too, so a failure is
 * only logged.
 */
export function followCommits(store: Store, deps: FollowCommitsDeps): Store {
  const follow = createCommitFollower(deps);
  return {
    ...store,
    async commit(changes) {
      const results = await store.commit(changes);
      const committed = changes.filter((_, index) => results[index]?.kind === "committed");
      if (committed.length > 0) await follow(committed);
      return results;
    },
  };
}

/** Returns the function to call with each commit's changes. */
export function createCommitFollower(deps: FollowCommitsDeps): (changes: readonly Change[]) => Promise<void> {
  const { ticks, deadLetters, clock, logger } = deps;
  // A stack may be committed many times before its timer is due.
  const known = new Set<string>();

  function isNew({ stackId, dueAt }: NearTimer): boolean {
    const key = `${dueAt} ${stackId}`;
    if (known.has(key)) return false;
    if (known.size >= MOST_KNOWN) known.clear();
    known.add(key);
    return true;
  }

  return async (changes) => {
    const now = clock.now();
    const near = changes.flatMap((change) => findNearTimers(change, now)).filter(isNew);
    const given = changes.flatMap((change) => change.deadLetters);
    const sending = [
      near.length > 0 ? ticks?.send(near) : undefined,
      given.length > 0 ? deadLetters?.send(given) : undefined,
    ];
    for (const sent of await Promise.allSettled(sending)) {
      if (sent.status === "rejected") logger.warn("Messages of a commit could not be sent.", { error: sent.reason });
    }
  };
}

type NearTimer = Extract<DueItem, { kind: "timer" }>;

/** Finds the instants of a commit's timers that are due soon, each once. */
function findNearTimers({ stackId, write }: Change, now: number): readonly NearTimer[] {
  if (write.kind !== "put") return [];
  const instants = write.stack.timers.map(({ dueAt }) => dueAt).filter((dueAt) => dueAt < now + NEAR_MS);
  return [...new Set(instants)].map((dueAt) => ({ kind: "timer", stackId, dueAt }));
}
