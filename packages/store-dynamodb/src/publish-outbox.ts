import { toClaimWindowMs } from "@stackyard/core/attempt";
import { toEventKey } from "@stackyard/core/engine";
import { acknowledge } from "./acknowledge.ts";
import { toItem } from "./attributes.ts";
import { applyCancel, applyClose, dispatchAttempt } from "./committed-attempts.ts";
import { takeNumbers } from "./counters.ts";
import { HISTORY_LIST, type HistoryRow, listLines, toEventLineKey, toHistoryKey } from "./history-row.ts";
import { inParallel } from "./in-parallel.ts";
import { parseRow, type WorkRow } from "./mutate-row.ts";
import type { OutboxEntry } from "./outbox-entry.ts";
import { toParkedKey } from "./parked-row.ts";
import { putSetAside } from "./set-aside-row.ts";
import type { StoreContext } from "./store-context.ts";

/**
 * Does what commits of a stack have left to do. All of it may be done again, by several at once. `newVersion`: of the
 * commit that the caller has just made, of which nothing can be done yet.
 */
export async function publishOutbox(
  context: StoreContext,
  stackId: string,
  entries: readonly OutboxEntry[],
  newVersion?: number,
): Promise<void> {
  for (const entry of entries) await publish(context, stackId, entry, entry.version === newVersion);
  if (entries.some(({ dispatches }) => dispatches.length > 0)) context.listeners.tell("task");
  if (entries.some(({ history }) => history.length > 0)) context.listeners.tell("history");
}

async function publish(context: StoreContext, stackId: string, entry: OutboxEntry, isNew: boolean): Promise<void> {
  const { history, dispatches, setAside } = entry;
  const stands = history.length === 0 || isNew ? undefined : await findHistory(context, stackId, entry);
  const asked = {
    // Positions that nobody uses would be a gap, which readers wait at.
    position: stands === undefined ? history.length : 0,
    sequence: dispatches.filter(({ again }) => !again).length + setAside.length,
  };
  const isCounted = asked.position + asked.sequence > 0;
  const numbers = isCounted ? await takeNumbers(context.work, asked) : { position: 0, sequence: 0 };
  await Promise.all([
    history.length === 0 ? undefined : publishHistory(context, stackId, entry, stands ?? numbers.position),
    inParallel(setAside, (event, index) => putSetAside(context, event, numbers.sequence + index)),
    acknowledge(context, entry.acknowledges),
    sendAll(context, entry, numbers.sequence + setAside.length),
    writeParked(context, stackId, entry),
  ]);
  const { cancels, closes, now, version } = entry;
  // An attempt that has ended is not cancelled.
  await inParallel(closes, (attemptId) => applyClose(context, attemptId, now));
  await inParallel(cancels, (cancel) => applyCancel(context, cancel, { now, version }));
}

/** Whoever writes first says which positions the lines have; what another one took stays a gap. */
async function publishHistory(
  context: StoreContext,
  stackId: string,
  entry: OutboxEntry,
  position: number | HistoryRow,
): Promise<void> {
  const { work } = context;
  const row = typeof position === "number" ? await writeHistory(context, stackId, entry, position) : position;
  const lines = listLines(row);
  await inParallel(lines, (line) => work.put(toItem({ ...toEventLineKey(line.eventId, line.position), line })));
}

async function findHistory({ work }: StoreContext, stackId: string, entry: OutboxEntry) {
  const item = await work.get({ ...toHistoryKey(stackId, entry) });
  return item === undefined ? undefined : parseRow<HistoryRow & WorkRow>(item);
}

async function writeHistory(
  context: StoreContext,
  stackId: string,
  entry: OutboxEntry,
  position: number,
): Promise<HistoryRow> {
  const { work, clock } = context;
  const { history } = entry;
  const at = Math.max(...history.map((line) => line.at));
  const row: HistoryRow = { stackId, lines: history, first: position, at, writtenAt: clock.now() };
  const item = toItem({
    ...toHistoryKey(stackId, entry),
    ...row,
    listKey: HISTORY_LIST,
    listAt: position,
    span: history.length,
  });
  const isFirst = await work.put(item, { expression: "attribute_not_exists(pk)" });
  return (isFirst ? undefined : await findHistory(context, stackId, entry)) ?? row;
}

/** In the order in which they were decided. */
async function sendAll(context: StoreContext, { dispatches, now, version }: OutboxEntry, first: number) {
  let sequence = first;
  const numbered = dispatches.map((dispatch) => ({ dispatch, sequence: dispatch.again ? 0 : sequence++ }));
  await inParallel(numbered, ({ dispatch, sequence: own }) => {
    const claimWindowMs = toClaimWindowMs(dispatch.timeoutMs, context.runnersHaveStore);
    return dispatchAttempt(context, dispatch, { sequence: own, now, claimWindowMs, sentBy: version });
  });
}

async function writeParked({ work }: StoreContext, stackId: string, { park, unpark, version }: OutboxEntry) {
  const unlessNewer = { expression: "attribute_not_exists(pk) OR version < :version", values: { ":version": version } };
  await inParallel(park, (parked) =>
    work.put(toItem({ ...toParkedKey(stackId, toEventKey(parked.event)), version, parked }), unlessNewer),
  );
  const parkedAgain = new Set(park.map(({ event }) => toEventKey(event)));
  const gone = unpark.filter((id) => !parkedAgain.has(id));
  const unlessParked = { expression: "version < :version", values: { ":version": version } };
  await inParallel(gone, (id) => work.remove({ ...toParkedKey(stackId, id) }, unlessParked));
}
