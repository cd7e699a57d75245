import { defined, type Failed, failed, mapLimited, toShellCommand } from "@stackyard/core";
import { addTallies, listItems, updateItems } from "@stackyard/core/rollout";
import type { Planned } from "./begin-deployment.ts";
import { hasOwnKey } from "./decide-row.ts";
import type { DeployDeps, Deployment } from "./deploy-deps.ts";
import { CONCURRENCY, type UndoJob } from "./deploy-job.ts";
import { type Before, type DeployRow, toRow } from "./deploy-row.ts";
import { findSender } from "./find-sender.ts";
import { isSent, type SentRows } from "./lost-tasks.ts";
import { findSeen, loadStacks } from "./observe-stacks.ts";
import type { Fault, Operation } from "./operation.ts";
import { formatCodes, toRowsCommand } from "./row-texts.ts";
import { createRowFinder, openRows, ROWS_KEPT_MS, type RowFinder } from "./rows.ts";

/** Creates what `op: undo` does. It waits for no window and no freeze, and failures do not stop it. */
export function createUndoing(deps: DeployDeps, job: UndoJob): Operation {
  return {
    op: "undo",
    eachMs: job.eachMs,
    again: false,
    create: undefined,
    toLeasts: () => [],
    observesArrived: false,
    plan: () => planUndo(deps, job),
    toRetried: ({ event, metadata, until, failed: failedStates }) => ({ event, metadata, until, failed: failedStates }),
    toLimits: ({ concurrency = CONCURRENCY }) => ({ concurrency }),
    toChecks: () => NO_CHECKS,
    findFailure: findUnrestored,
    noteEnd: (rows) => noteUndone(deps, job.of, rows.filter(isTakenBack)),
  };
}

const NO_CHECKS = {
  holds: undefined,
  skipFrozen: false,
  checkPlan: undefined,
  findSensitive: async () => undefined,
  machine: "",
};

/** Returns true for the row of a stack that has what was before, or something newer, which stays. */
function isTakenBack({ state, code }: DeployRow): boolean {
  return (state === "done" && code === undefined) || (state === "skipped" && code === "STACK_MOVED");
}

/** Takes what a task has sent, in reverse. */
async function planUndo(deps: DeployDeps, job: UndoJob): Promise<Planned | Failed> {
  const { ctx, owner, release } = deps;
  const found = await findSender(deps, job.of);
  if ("kind" in found) return found;
  const source = openRows({ records: ctx.records, clock: ctx.clock, owner: { ...owner, task: found.task } });
  const loaded = await source.load();
  const at = ctx.clock.now();
  if (loaded === undefined) {
    if (at - release.createdAt >= ROWS_KEPT_MS) return rowsMayBeGone(deps, job);
    // The task was never reached: it has nothing to undo.
    const rows = await listElsewhere(deps, found.lost, at);
    return { event: job.event ?? "", metadata: {}, until: [], failed: [], waves: ["all"], isRule: true, rows };
  }
  const { state } = loaded;
  const findRow = createRowFinder(ctx);
  const sent = listItems(await source.loadAll(loaded)).filter(isSent);
  const rows = await mapLimited(sent.toReversed(), 1, (row) => withoutUndone(row, findRow));
  const known = new Set(rows.map(({ stack }) => stack));
  return {
    event: job.event ?? state.event,
    metadata: state.metadata,
    until: job.until ?? state.until,
    failed: job.failed ?? state.failed,
    waves: ["all"],
    isRule: true,
    ...defined({ concurrency: job.concurrency ?? state.concurrency }),
    rows: [
      ...rows.map((row) => toUndoRow(row, Object.keys(state.metadata), at)),
      ...(await listElsewhere(deps, found.lost, at)).filter(({ stack }) => !known.has(stack)),
    ],
  };
}

/** Lists the rows of stacks that have a value of the release by a task that no undo takes back: they are named. */
async function listElsewhere(
  { yard, release }: DeployDeps,
  lost: readonly SentRows[],
  at: number,
): Promise<readonly DeployRow[]> {
  const found = await mapLimited(lost, 1, async ({ state, rows }) => {
    const loaded = await loadStacks(
      yard,
      rows.map(({ stack }) => stack),
    );
    const left = rows.filter(({ stack: id }) => {
      const { stack } = findSeen(loaded, id);
      return stack !== undefined && hasOwnKey(stack, { metadata: state.metadata, release });
    });
    const message = `Sent by the task "${state.release.task}", which the machine does not have any more.`;
    return left.map(({ stack, incarnation, from }): DeployRow => {
      const row = { stack, wave: 0, try: 0, at, code: "NOT_RESTORED", message, ...defined({ incarnation, from }) };
      return { ...row, state: "skipped" };
    });
  });
  return found.flat();
}

/**
 * Returns a row that restores nothing that was taken back: where the release that had set a value before was undone since,
 * what was before that one counts.
 */
async function withoutUndone(row: DeployRow, findRow: RowFinder): Promise<DeployRow> {
  const entries = Object.entries(row.from ?? {}).map(async ([key, given]) => {
    let before = given;
    for (let steps = 0; before.release !== undefined && steps < MOST_STEPS; steps += 1) {
      const setBy: DeployRow | undefined = await findRow(before.release, row.stack);
      const earlier: Before | undefined = setBy?.state === "undone" ? setBy.from?.[key] : undefined;
      if (earlier === undefined) break;
      before = earlier;
    }
    return [key, before] as const;
  });
  return { ...row, from: Object.fromEntries(await Promise.all(entries)) };
}

/** Releases that were undone one after another beneath another one. */
const MOST_STEPS = 100;

function rowsMayBeGone({ release, ctx }: DeployDeps, { of }: UndoJob): Failed {
  const settle = toShellCommand`stackyard stacks settle ${release.id} ${ctx.task} --reason …`;
  const message = `Rows are kept for 90 days, and the release is older: it is not known what "${of}" has sent. Restore its stacks with a release of the earlier version. Then: ${settle}`;
  return failed({ code: "UNDO_INCOMPLETE", message, retryable: false });
}

function toUndoRow({ stack, incarnation, from = {} }: DeployRow, keys: readonly string[], at: number): DeployRow {
  const row = { stack, wave: 0, try: 0, from, at, ...defined({ incarnation }) };
  // A key without a value before becomes null: the others need not stay for it.
  if (keys.some((key) => from[key]?.value !== undefined)) return { ...row, state: "waiting" };
  const message = `${keys.join(", ")} had no value before. The stack is not changed.`;
  return { ...row, state: "skipped", code: "NO_PREVIOUS", message };
}

/**
 * Notes in the rows of a task what was undone: its next event is the first again. A stack that has something newer keeps
 * that, and what was before this task is kept in the row: the undo of the newer one restores it.
 */
async function noteUndone(deps: DeployDeps, of: string, undone: readonly DeployRow[]): Promise<void> {
  const { ctx, owner } = deps;
  const found = await findSender(deps, of);
  if ("kind" in found) return;
  const source = openRows({ records: ctx.records, clock: ctx.clock, owner: { ...owner, task: found.task } });
  const loaded = await source.load();
  const ends = new Map(undone.map((row) => [row.stack, row.state]));
  if (loaded === undefined || ends.size === 0) return;
  const at = ctx.clock.now();
  const noted = updateItems(await source.loadAll(loaded), toRow, (row): DeployRow => {
    const end = ends.get(row.stack);
    if (end === undefined || row.state === "undone") return row;
    const { from, code, message, ...rest } = row;
    return { ...rest, state: "undone", at, ...(end === "skipped" && defined({ from })) };
  });
  await source.save(noted);
}

/** An undo that has restored none of what was sent has not undone it. */
function findUnrestored(deployment: Deployment): Fault | undefined {
  const rows = listItems(deployment);
  const failures = addTallies(deployment.state.tallies.flat()).failed;
  const code = "UNDO_INCOMPLETE";
  if (failures > 0)
    return { code, message: `${failures} stacks could not be restored. Correct them, and retry the task.` };
  if (rows.length === 0 || rows.some(({ state }) => state === "done")) return undefined;
  return {
    code,
    message: `None of ${rows.length} stacks was restored: ${formatCodes(rows)}. Which, and why: ${toRowsCommand(deployment)}`,
  };
}
