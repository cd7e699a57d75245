import { type AttemptMove, cancelAttempt, closeAttempt, endByResult, isHeldBy, isOpen } from "@stackyard/core/attempt";
import {
  type Change,
  type CommitResult,
  type Grant,
  type LoadedStack as Loaded,
  type ParkedEvent,
  toEventKey,
} from "@stackyard/core/engine";
import {
  type Aggregate,
  type AttemptRow,
  createAttemptRow,
  type FollowUp,
  findOpen,
  findRepairAt,
  type OutboxEntry,
  putAttempt,
  send,
} from "./aggregate.ts";
import { joinFollowUps, moveAttempt, settleKey } from "./attempts.ts";
import { inParallel } from "./database.ts";
import {
  acknowledge,
  enqueue,
  groupByStack,
  type OwnReceipt,
  type PreparedEvents,
  putDeadLetter,
  removeByReceipts,
} from "./event-queue.ts";
import { checkLines, isLongLog, listEnded, withLogRow, writeHistory, writeLog } from "./history.ts";
import { addIds, findKnownIds, toStackKey, writeMovedIds } from "./keys.ts";
import { applyParked, loadHeads, loadMarked, removeParked, type WrittenMark, writeParked } from "./parked-rows.ts";
import { relayAuditEntry } from "./records.ts";
import { changeStack, loadStack, toDoneKey, toNextVersion } from "./stack-home.ts";
import { type LoadedStack, TAKEN_OVER_VERSION } from "./stack-item.ts";
import { attemptLater, type StoreContext, writeLocator } from "./store-context.ts";

/** Creates the part of the port that the engine needs to decide. */
export function createStackStore(context: StoreContext) {
  return {
    load: (stackIds: readonly string[]): Promise<readonly Loaded[]> =>
      inParallel([...new Set(stackIds)], (stackId) => load(context, stackId)),
    loadParked: (stackId: string, keys: readonly string[]) => loadParked(context, stackId, keys),
    commit: (changes: readonly Change[]): Promise<readonly CommitResult[]> =>
      inParallel(changes, (change) => commitChange(context, change)),
  };
}

async function load(context: StoreContext, stackId: string): Promise<Loaded> {
  const loaded = await loadStack(context, stackId);
  context.loaded.set(stackId, loaded);
  const { aggregate } = loaded;
  const parked = await loadHeads(context, stackId, aggregate.parked);
  const { stack, stackVersion: version } = aggregate;
  return stack === undefined ? { stackId, version: 0, parked } : { stackId, version, stack, parked };
}

async function loadParked(
  context: StoreContext,
  stackId: string,
  keys: readonly string[],
): Promise<readonly ParkedEvent[]> {
  const wanted = new Set(keys);
  const read = async ({ aggregate }: LoadedStack) => {
    const marks = aggregate.parked.filter(({ id }) => wanted.has(id));
    return { marks, events: await loadMarked(context, stackId, marks) };
  };
  const known = context.loaded.get(stackId);
  const seen = known && (await read(known));
  // Rows of a stack that another process has changed since it was loaded may be gone.
  if (seen !== undefined && seen.events.length === wanted.size) return seen.events;
  return (await read(await loadStack(context, stackId))).events;
}

/** The input of a commit in addition to its change. */
interface Prepared {
  readonly receipts: readonly OwnReceipt[];
  /** The receipts of other stacks. */
  readonly otherReceipts: readonly string[];
  readonly events: PreparedEvents;
  /** Rows of events to park, once they are written. */
  marks?: readonly WrittenMark[];
}

/** Commits one change by one conditional write, and does what follows from it as far as it gets. */
async function commitChange(context: StoreContext, change: Change): Promise<CommitResult> {
  const { stackId } = change;
  const byStack = await groupByStack(context, change.receipts);
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

/** Turns the predecessor's item into one of ours, which can end. */
async function adopt(context: StoreContext, stackId: string): Promise<void> {
  await changeStack<void>(context, stackId, (aggregate) => ({ next: aggregate, adopts: true, result: undefined }));
}

function tell({ listeners }: StoreContext, { dispatches, claims = [] }: Change, { events }: Prepared): void {
  if (dispatches.length > claims.length) listeners.notify(["task"]);
  if (events.size > 0) listeners.notify(["event"]);
}

/** Returns why nothing of a change is written; undefined when it can be written. */
async function refuse(
  context: StoreContext,
  change: Change,
  aggregate: Aggregate,
  { receipts }: Prepared,
): Promise<CommitResult | undefined> {
  const { stackId, expectedVersion, appliedIds, park, retried = [], deadLetters, results = [] } = change;
  const version = aggregate.stack === undefined ? 0 : aggregate.stackVersion;
  if (version !== expectedVersion) return { kind: "conflict" };
  const ids = [...appliedIds, ...[...park, ...retried, ...deadLetters].map(({ event }) => toEventKey(event))];
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

/** Returns the aggregate after the change. Rows that it names are written here, before it. */
async function apply(context: StoreContext, change: Change, before: Aggregate, prepared: Prepared) {
  const { stackId, now, write, history, deadLetters } = change;
  checkLines(stackId, history);
  const version = toNextVersion(before);
  const { aggregate: withIds, moved } = addIds(
    before,
    change.appliedIds.map((key) => ({ key, at: now })),
  );
  if (moved !== undefined) await writeMovedIds(context, stackId, moved);
  prepared.marks ??= await writeParked(context, change);
  const parked = applyParked(withIds, prepared.marks, change.unpark);
  const receipts = prepared.receipts.map(({ parsed }) => parsed);
  const acknowledged = removeByReceipts(parked.aggregate, receipts);
  const moves = await moveAttempts(context, change, acknowledged.aggregate, prepared);
  const { grants } = moves;
  const aggregate = writeStack(moves.aggregate, write, version);
  // With the lines of the history, or soon: an item with many ended attempts is expensive to write.
  const isFlushed = history.length > 0 || aggregate.ended.length > MOST_ENDED;
  const follow = joinFollowUps(moves.follow, {
    lines: history,
    ended: isFlushed ? aggregate.ended : [],
    deadLetters,
    audit: change.audit,
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
      // The version stays: a later incarnation continues above it.
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
  const { stackId, now, results = [], endedAttempts, cancels } = change;
  let aggregate = before;
  let follow: FollowUp = {};
  const apply = async (move: AttemptMove<AttemptRow> | undefined) => {
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
  for (const attemptId of endedAttempts) await apply(closeAttempt(findOpen(aggregate, attemptId), now));
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
  for (const attemptId of change.resends ?? []) {
    const known = findOpen(aggregate, attemptId);
    if (known !== undefined) aggregate = putAttempt(aggregate, send(known, now));
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

/** The wait before failed work is tried again. */
const REPAIR_AGAIN_MS = 60_000;

/**
 * Writes the lines of all entries that are not known to be done, in order, so that lines have their positions in the
 * order of the writes. Entries stay in the item until its next write, which saves a write of the item for each
 * transition; the sweep finds what no one has done.
 */
export async function recordEntries(context: StoreContext, stackId: string, written: Aggregate): Promise<void> {
  for (const entry of written.outbox) {
    if (context.done.has(toDoneKey(stackId, entry.version))) continue;
    const isDone = await attemptLater(context, toWhat(stackId), () =>
      record(context, stackId, entry, entry.version === written.version),
    );
    if (!isDone) return;
    if (!hasMore(entry)) context.done.set(toDoneKey(stackId, entry.version), true);
  }
}

/** Publishes the work that the last write has left in items of other stacks and of keys, as far as possible. */
export async function publishLast(context: StoreContext, stackId: string, written: Aggregate): Promise<void> {
  const entry = written.outbox.find(({ version }) => version === written.version);
  if (entry === undefined || !hasMore(entry)) return;
  if (await attemptLater(context, toWhat(stackId), () => publish(context, entry))) {
    context.done.set(toDoneKey(stackId, entry.version), true);
  }
}

function toWhat(stackId: string): string {
  return `what follows from a write of the stack ${JSON.stringify(stackId)}`;
}

function hasMore({ leaves, events, receipts }: OutboxEntry): boolean {
  return leaves !== undefined || events !== undefined || receipts !== undefined;
}

/** Writes the rows of an entry. May be repeated, by several processes at once. */
async function record(context: StoreContext, stackId: string, entry: OutboxEntry, isNew: boolean): Promise<void> {
  const { deadLetters = [], audit = [], unused = [], lines = [] } = entry;
  await Promise.all([
    writeHistory(context, stackId, entry, isNew),
    inParallel(audit, (line) => relayAuditEntry(context, line, isNew)),
    inParallel(deadLetters, (event) => putDeadLetter(context, event)),
    inParallel(unused, (name) => context.work.remove(toStackKey(stackId, name))),
  ]);
  if (lines.length > 0) context.listeners.notify(["history"]);
}

/** Publishes an entry. May be repeated, by several processes at once. */
async function publish(
  context: StoreContext,
  { leaves = [], events = [], receipts = [], now }: OutboxEntry,
): Promise<void> {
  await acknowledge(context, receipts);
  if (events.length > 0) await enqueue(context, events);
  for (const { attemptId, keys } of leaves) {
    for (const key of keys) await settleKey(context, key, { left: attemptId, now });
  }
}

/** Finishes what writes of a stack have not, when it is due. One that fails is tried again after a minute. */
export async function repairStack(
  context: StoreContext,
  stackId: string,
  aggregate: Aggregate,
  now: number,
): Promise<void> {
  const due = aggregate.outbox.filter((entry) => (findRepairAt([entry]) ?? 0) <= now);
  const isDone = await attemptLater(context, toWhat(stackId), async () => {
    for (const entry of due) {
      await record(context, stackId, entry, false);
      await publish(context, entry);
      context.done.set(toDoneKey(stackId, entry.version), true);
    }
  });
  const at = findRepairAt(aggregate.outbox);
  const checked = aggregate.attempts.filter(({ checkAt }) => checkAt !== undefined && checkAt <= now);
  for (const { queuedFor } of checked) {
    if (queuedFor !== undefined) await settleKey(context, queuedFor, { now });
  }
  await changeStack<void>(context, stackId, (current) => {
    const isFailed = !isDone && at !== undefined;
    const repairHidden = isFailed ? { at, until: now + REPAIR_AGAIN_MS } : undefined;
    const next = checked.reduce((before, { attemptId }) => {
      const row = findOpen(before, attemptId);
      if (!isOpen(row) || row.status !== "queued") return before;
      return putAttempt(before, { ...row, checkAt: now + REPAIR_AGAIN_MS });
    }, current);
    return { next: { ...next, repairHidden }, result: undefined };
  });
}
