import { cancelAttempt, closeAttempt, endByResult, isHeldBy } from "@stackyard/core/attempt";
import {
  type Change,
  type CommitResult,
  type Grant,
  type LoadedStack as Loaded,
  toEventKey,
} from "@stackyard/core/engine";
import type { Aggregate, FollowUp, ParkedMark } from "./aggregate.ts";
import { findOpen, putAttempt } from "./attempt-moves.ts";
import { createAttemptRow, send } from "./attempt-row.ts";
import { joinFollowUps, moveAttempt } from "./change-attempt.ts";
import { isLongLog, listEnded, withLogRow, writeLog } from "./ended-attempts.ts";
import { addIds, findKnownIds, writeMovedIds } from "./event-ids.ts";
import { groupByStack, type OwnReceipt, type PreparedEvents, removeByReceipts } from "./event-queue.ts";
import { checkLines } from "./history.ts";
import { inParallel } from "./in-parallel.ts";
import { writeLocator } from "./locate-attempt.ts";
import { applyParked, loadParked, removeParked, writeParked } from "./parked.ts";
import { changeStack, loadStack, toNextVersion } from "./stack-home.ts";
import { type LoadedStack, TAKEN_OVER_VERSION } from "./stack-item.ts";
import type { StoreContext } from "./store-context.ts";

/** Stacks whose last load is remembered for the commit that follows it. */
const MOST_LOADED = 500;

/** The part of the port that the engine decides on. */
export function createStackStore(context: StoreContext) {
  return {
    load: (stackIds: readonly string[]): Promise<readonly Loaded[]> =>
      inParallel([...new Set(stackIds)], (stackId) => load(context, stackId)),
    commit: (changes: readonly Change[]): Promise<readonly CommitResult[]> =>
      inParallel(changes, (change) => commitChange(context, change)),
  };
}

async function load(context: StoreContext, stackId: string): Promise<Loaded> {
  const loaded = await loadStack(context, stackId);
  remember(context, stackId, loaded);
  const { aggregate } = loaded;
  const parked = await loadParked(context, stackId, aggregate);
  const { stack, stackVersion: version } = aggregate;
  return stack === undefined ? { stackId, version: 0, parked } : { stackId, version, stack, parked };
}

/** The write is conditional on what was loaded, so an old one only makes the commit read after all. */
function remember({ loaded }: StoreContext, stackId: string, stack: LoadedStack): void {
  loaded.delete(stackId);
  loaded.set(stackId, stack);
  const [oldest] = loaded.keys();
  if (loaded.size > MOST_LOADED && oldest !== undefined) loaded.delete(oldest);
}

/** What a commit knows besides its change. */
interface Prepared {
  readonly receipts: readonly OwnReceipt[];
  /** Of other stacks. */
  readonly otherReceipts: readonly string[];
  readonly events: PreparedEvents;
  /** Rows of events to park, once they are written. */
  marks?: readonly ParkedMark[];
}

/** Commits one change by one conditional write, and does what follows from it as far as it gets. */
async function commitChange(context: StoreContext, change: Change): Promise<CommitResult> {
  const { stackId } = change;
  const byStack = await groupByStack(context, change.acknowledges);
  const prepared: Prepared = {
    receipts: byStack.get(stackId) ?? [],
    otherReceipts: [...byStack].flatMap(([of, list]) => (of === stackId ? [] : list.map(({ receipt }) => receipt))),
    events: new Map(),
  };
  const known = context.loaded.get(stackId);
  context.loaded.delete(stackId);
  const seen = known ?? (await loadStack(context, stackId));
  await inParallel(change.dispatches, ({ attemptId }) => writeLocator(context, attemptId, stackId));
  if (seen.place.kind === "taken-over" && change.write.kind === "remove") await adopt(context, stackId);
  const result = await changeStack<CommitResult>(
    context,
    stackId,
    async (aggregate) => {
      const refusal = await refuse(context, change, aggregate, prepared);
      return refusal === undefined ? apply(context, change, aggregate, prepared) : { result: refusal };
    },
    seen,
  );
  if (result.kind === "committed") tell(context, change, prepared);
  else await removeParked(context, stackId, prepared.marks ?? []);
  return result;
}

/** The predecessor's item becomes one of ours, which can end. */
async function adopt(context: StoreContext, stackId: string): Promise<void> {
  await changeStack<void>(context, stackId, (aggregate) => ({ next: aggregate, adopts: true, result: undefined }));
}

function tell({ listeners }: StoreContext, { dispatches, claims = [] }: Change, { events }: Prepared): void {
  if (dispatches.length > claims.length) listeners.tell("task");
  if (events.size > 0) listeners.tell("event");
}

/** Why nothing of a change is written; undefined: nothing stands against it. */
async function refuse(
  context: StoreContext,
  change: Change,
  aggregate: Aggregate,
  { receipts }: Prepared,
): Promise<CommitResult | undefined> {
  const { stackId, expectedVersion, appliedIds, park, setAside, results = [] } = change;
  const version = aggregate.stack === undefined ? 0 : aggregate.stackVersion;
  if (version !== expectedVersion) return { kind: "conflict" };
  const ids = [...appliedIds, ...[...park, ...setAside].map(({ event }) => toEventKey(event))];
  const eventIds = await findKnownIds(context, stackId, aggregate, ids);
  if (eventIds.length > 0) return { kind: "duplicate", eventIds };
  const lost = results.flatMap(({ grant }) =>
    isHeldBy(findOpen(aggregate, grant.attemptId), grant) ? [] : [grant.attemptId],
  );
  if (lost.length > 0) return { kind: "lost", attemptIds: lost };
  if (results.length === 0) return undefined;
  const numbers = new Set(receipts.flatMap(({ parsed }) => (parsed.kind === "event" ? [parsed.no] : [])));
  return aggregate.events.every(({ no }) => numbers.has(no)) ? undefined : { kind: "behind" };
}

/** The aggregate as the change leaves it. Rows that it names are written here, before it. */
async function apply(context: StoreContext, change: Change, before: Aggregate, prepared: Prepared) {
  const { stackId, now, write, history, setAside } = change;
  checkLines(stackId, history);
  const version = toNextVersion(before);
  const { aggregate: withIds, moved } = addIds(before, change.appliedIds, now);
  if (moved !== undefined) await writeMovedIds(context, stackId, moved);
  prepared.marks ??= await writeParked(context, change);
  const parked = applyParked(withIds, prepared.marks, change.unpark);
  const acknowledged = removeByReceipts(
    parked.aggregate,
    prepared.receipts.map(({ parsed }) => parsed),
  );
  const moves = await moveAttempts(context, change, acknowledged.aggregate, prepared);
  const { grants } = moves;
  const aggregate = writeStack(moves.aggregate, write, version);
  // With the lines of the history, or soon: an item with many ended attempts is expensive to write.
  const isFlushed = history.length > 0 || aggregate.ended.length > MOST_ENDED;
  const follow = joinFollowUps(moves.follow, {
    lines: history,
    ended: isFlushed ? aggregate.ended : [],
    setAside,
    receipts: prepared.otherReceipts,
    unused: [...parked.unused, ...acknowledged.unused],
  });
  const next = isFlushed ? { ...aggregate, ended: [] } : aggregate;
  const isThere = next.stack !== undefined;
  const claimed = (change.claims ?? []).length === 0 ? {} : { grants };
  return {
    next,
    follow,
    now,
    result: { kind: "committed", version: isThere ? next.stackVersion : 0, ...claimed } satisfies CommitResult,
  };
}

const MOST_ENDED = 8;

function writeStack(aggregate: Aggregate, write: Change["write"], version: number): Aggregate {
  switch (write.kind) {
    case "keep":
      return aggregate;
    case "put":
      return { ...aggregate, stack: write.stack, stackVersion: version, timerHidden: undefined };
    case "remove":
      // The version stays: a later life goes on above it.
      return {
        ...aggregate,
        stack: undefined,
        timerHidden: undefined,
        stackVersion: Math.max(version, TAKEN_OVER_VERSION),
      };
  }
}

/** Ends, begins, closes and cancels attempts, in this order. */
async function moveAttempts(context: StoreContext, change: Change, before: Aggregate, { events }: Prepared) {
  const { stackId, now, results = [], closes, cancels } = change;
  let aggregate = before;
  let follow: FollowUp = {};
  const apply = async (move: Parameters<typeof moveAttempt>[3]["move"] | undefined) => {
    if (move === undefined) return;
    const moved = await moveAttempt(context, stackId, aggregate, { move, now, prepared: events });
    aggregate = moved.next;
    follow = joinFollowUps(follow, moved.follow ?? {});
  };
  for (const { grant, ...result } of results) {
    const move = endByResult(findOpen(aggregate, grant.attemptId), grant, { ...result, now });
    if (isLongLog(result.log)) await writeLog(context, grant.attemptId, result.log);
    await apply(move !== undefined && isLongLog(result.log) ? withLogRow(move) : move);
  }
  aggregate = await dispatchAll(context, change, aggregate);
  // An attempt that has ended is not cancelled.
  for (const attemptId of closes) await apply(closeAttempt(findOpen(aggregate, attemptId), now));
  for (const cancel of cancels) await apply(cancelAttempt(findOpen(aggregate, cancel.attemptId), cancel, now));
  return { aggregate, follow, grants: toGrants(aggregate, change.claims ?? []) };
}

/** Begins attempts; the message of an open one is sent again, and an ended one stays ended. */
async function dispatchAll(context: StoreContext, change: Change, before: Aggregate): Promise<Aggregate> {
  const { stackId, now, claims = [] } = change;
  let aggregate = before;
  for (const dispatch of change.dispatches) {
    const { attemptId, again } = dispatch;
    const known = findOpen(aggregate, attemptId);
    if (known === undefined && again && (await hasEnded(context, stackId, aggregate, attemptId))) continue;
    const claim = claims.find((each) => each.attemptId === attemptId);
    const begin = () => createAttemptRow(dispatch, { sequence: context.nextNumber(), now }, claim);
    aggregate = putAttempt(aggregate, known === undefined ? begin() : send(known, now));
  }
  return aggregate;
}

function toGrants(aggregate: Aggregate, claims: NonNullable<Change["claims"]>): readonly Grant[] {
  return claims.flatMap(({ attemptId, owner }) => {
    const row = findOpen(aggregate, attemptId);
    return row === undefined ? [] : [{ attemptId, owner, token: row.token }];
  });
}

async function hasEnded(context: StoreContext, stackId: string, aggregate: Aggregate, attemptId: string) {
  for await (const row of listEnded(context, stackId, aggregate)) if (row.attemptId === attemptId) return true;
  return false;
}
