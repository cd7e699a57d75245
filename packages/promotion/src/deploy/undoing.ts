import { defined, type Failed, failed, isStackyardError, mapLimited, toShellCommand } from "@stackyard/core";
import { addTallies, listItems, updateItems } from "@stackyard/core/rollout";
import type { Planned } from "./begin-deployment.ts";
import type { DeployDeps, Deployment } from "./deploy-deps.ts";
import { CONCURRENCY, type UndoJob } from "./deploy-job.ts";
import { type Before, type DeployRow, toRow } from "./deploy-row.ts";
import type { Fault, Operation } from "./operation.ts";
import { formatCodes, toRowsCommand } from "./row-texts.ts";
import { createRowFinder, listDeployStates, openRows, ROWS_KEPT_MS, type RowFinder } from "./rows.ts";

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
  return state === "done" || (state === "skipped" && code === "STACK_MOVED");
}

/**
 * Returns the name under which a task has sent: its own, or that of a task which the machine does not have any more, because it was
 * renamed.
 */
async function findSender({ ctx, owner, yard }: DeployDeps, of: string): Promise<string | Failed> {
  const states = await listDeployStates(ctx, owner);
  const sent = states.filter(({ op, firstSentAt }) => op === "send" && firstSentAt !== undefined);
  if (sent.some(({ release }) => release.task === of)) return of;
  const known = await mapLimited(sent, 1, async ({ release: { task } }) => ((await hasTask(yard, task)) ? [] : [task]));
  const lost = known.flat();
  if (lost.length < 2) return lost[0] ?? of;
  const message = `"${of}" has sent nothing under its name, and the machine does not have these tasks any more: ${lost.join(", ")}. Name one of them as before, and retry the task.`;
  return failed({ code: "UNDO_INCOMPLETE", message, retryable: false });
}

async function hasTask(yard: DeployDeps["yard"], task: string): Promise<boolean> {
  try {
    await yard.config(task);
    return true;
  } catch (error) {
    if (!isStackyardError(error, "CONFIG_INVALID")) throw error;
    return error.details["unknownTask"] === undefined;
  }
}

/** Takes what a task has sent, in reverse. */
async function planUndo(deps: DeployDeps, job: UndoJob): Promise<Planned | Failed> {
  const { ctx, owner, release } = deps;
  const task = await findSender(deps, job.of);
  if (typeof task !== "string") return task;
  const source = openRows({ records: ctx.records, clock: ctx.clock, owner: { ...owner, task } });
  const loaded = await source.load();
  const at = ctx.clock.now();
  if (loaded === undefined) {
    if (at - release.createdAt >= ROWS_KEPT_MS) return rowsMayBeGone(deps, job);
    // The task was never reached: there is nothing to undo.
    return { event: job.event ?? "", metadata: {}, until: [], failed: [], waves: ["all"], isRule: true, rows: [] };
  }
  const { state } = loaded;
  const findRow = createRowFinder(ctx);
  const sent = listItems(await source.loadAll(loaded)).filter((row) => row.try > 0 && row.from !== undefined);
  const rows = await mapLimited(sent.toReversed(), 1, (row) => withoutUndone(row, findRow));
  return {
    event: job.event ?? state.event,
    metadata: state.metadata,
    until: job.until ?? state.until,
    failed: job.failed ?? state.failed,
    waves: ["all"],
    isRule: true,
    ...defined({ concurrency: job.concurrency ?? state.concurrency }),
    rows: rows.map((row) => toUndoRow(row, Object.keys(state.metadata), at)),
  };
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
  const task = await findSender(deps, of);
  if (typeof task !== "string") return;
  const source = openRows({ records: ctx.records, clock: ctx.clock, owner: { ...owner, task } });
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
