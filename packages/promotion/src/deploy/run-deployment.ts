import { defined, type Failed, failed, running, type Succeeded, succeeded, toShellCommand } from "@stackyard/core";
import type { LoadedStack } from "@stackyard/core/engine";
import { addTallies, type Limits, listItems, tallyByWave } from "@stackyard/core/rollout";
import { type Advance, type Advanced, advanceDeployment } from "./advance-deployment.ts";
import {
  beginDeployment,
  findPresent,
  noteUndone,
  type Planned,
  planSend,
  planUndo,
  retryDeployment,
} from "./begin-deployment.ts";
import type { DeployProgress, DeployStep } from "./definition.ts";
import type { DeployDeps, Deployment } from "./deploy-deps.ts";
import { CONCURRENCY, type SendJob, type UndoJob } from "./deploy-job.ts";
import { toSendLimits } from "./deploy-limits.ts";
import type { DeployRow, DeployState } from "./deploy-row.ts";
import type { Checks } from "./examine-waiting.ts";
import { type Approved, checkAll, createPlanCheck, findApproved, toApprovedRows, toFollowed } from "./follow-plan.ts";
import type { Aims } from "./observe-row.ts";
import { formatUnseen, toLeast } from "./select-stacks.ts";
import { createSensitiveCheck } from "./sensitive-keys.ts";

/** One call about rows: continues them, or begins them for a new entry. */
export async function runDeployment(
  deps: DeployDeps,
  job: SendJob | UndoJob,
  progress: DeployProgress | undefined,
): Promise<DeployStep> {
  const found = await findPresent(deps);
  if ("kind" in found) return found;
  const { present, earlier } = found;
  if (deps.ctx.cancelling && present === undefined) return NOTHING_SENT;
  const approved = job.op === "send" && !deps.ctx.cancelling ? await findApproved(deps, job) : undefined;
  if (approved !== undefined && "kind" in approved) return approved;
  const continued = await continueOrBegin(deps, job, { present, earlier, approved });
  if ("kind" in continued) return continued;
  if (continued.state.endedAt !== undefined) return toEnd(job, await deps.rows.loadAll(continued));
  const begun = continued === present ? progress : undefined;
  const advance = toAdvance(deps, { job, deployment: continued, progress: begun, approved });
  const { deployment, isChecked } = await checkFirst(deps, continued, advance);
  const advanced = await advanceDeployment(deps, deployment, { ...advance, examines: advance.examines && isChecked });
  return advanced.isOver ? endDeployment(deps, job, advanced.deployment) : toRunning(deps, advanced, begun);
}

const NOTHING_SENT: Failed = failed({
  code: "DEPLOY_CANCELLED",
  message: "The deployment was cancelled before anything was sent.",
  retryable: false,
});

/** Compares all stacks with the plan before the first event. */
async function checkFirst(deps: DeployDeps, given: Deployment, { checks, aims }: Advance) {
  const { checkPlan } = checks;
  if (checkPlan === undefined || given.state.isChecked === true) return { deployment: given, isChecked: true };
  const deployment = await checkAll(deps, given, { aims, checkPlan });
  return { deployment, isChecked: deployment.state.isChecked === true };
}

interface Present {
  readonly present: Deployment | undefined;
  readonly earlier: Deployment | undefined;
  readonly approved: Approved | undefined;
}

async function continueOrBegin(
  deps: DeployDeps,
  job: SendJob | UndoJob,
  { present, earlier, approved }: Present,
): Promise<Deployment | Failed> {
  if (present === undefined) {
    const planned = await plan(deps, job);
    if ("kind" in planned) return planned;
    if (job.op === "undo" || approved === undefined) return beginDeployment(deps, earlier, { op: job.op, ...planned });
    const follows = { ...toApprovedRows(planned, approved, job), ...toFollowed(deps, job) };
    return beginDeployment(deps, earlier, { op: job.op, ...follows });
  }
  if (present.state.attempt === deps.attempt) return present;
  const { event, metadata, until, failed: failedStates } = present.state;
  const kept = { event, metadata, until, failed: failedStates };
  return retryDeployment(deps, present, job.op === "send" ? toValues(deps, job) : kept);
}

function toValues(deps: DeployDeps, job: SendJob) {
  const { event, metadata, until, failed: failedStates } = job;
  return { event, metadata, until, failed: failedStates, ...toFollowed(deps, job) };
}

function plan(deps: DeployDeps, job: SendJob | UndoJob): Promise<Planned | Failed> {
  return job.op === "send" ? planSend(deps, job) : planUndo(deps, job);
}

interface Call {
  readonly job: SendJob | UndoJob;
  readonly deployment: Deployment;
  readonly progress: DeployProgress | undefined;
  readonly approved: Approved | undefined;
}

/** Rows that wait are examined again after so long, or when a place becomes free. */
const EXAMINE_MS = 10_000;

function toAdvance(deps: DeployDeps, { job, deployment, progress, approved }: Call): Advance {
  const { ctx } = deps;
  const { state } = deployment;
  const now = ctx.clock.now();
  const create = job.op === "send" ? job.create : undefined;
  const aims = toAims(deps, job, deployment);
  return {
    aims,
    checks: toChecks(deps, { job, deployment, approved, aims }),
    limits: toLimits(job, state),
    leasts: job.op === "send" ? job.waves.map(toLeast) : [],
    examines: isExamined(progress, now),
    repeats: state.next > (progress?.next ?? 0),
    isCancelled: ctx.cancelling,
    ...(create !== undefined && { create }),
  };
}

/** Rows that wait are examined when what holds them may open, and every few seconds: a stack may have come to rest. */
function isExamined(progress: DeployProgress | undefined, now: number): boolean {
  if (progress?.examinedAt === undefined || now >= progress.examinedAt + EXAMINE_MS) return true;
  return progress.opensAt !== undefined && now >= progress.opensAt;
}

function toAims({ release, ctx }: DeployDeps, job: SendJob | UndoJob, { state }: Deployment): Aims {
  const { op, event, metadata, until, failed: failedStates, isRule } = state;
  return {
    op,
    event,
    metadata,
    until,
    failed: failedStates,
    isRule,
    release: { id: release.id, createdAt: release.createdAt },
    creates: job.op === "send" && job.create !== undefined,
    again: job.op === "send" && job.again,
    eachMs: job.eachMs,
    now: ctx.clock.now(),
  };
}

function toChecks(
  deps: DeployDeps,
  { job, deployment, approved, aims }: Omit<Call, "progress"> & { readonly aims: Aims },
): Checks {
  const { state } = deployment;
  const nothing = async (_loaded: LoadedStack) => undefined;
  // An undo waits for no window and no freeze.
  if (job.op === "undo") {
    return { holds: undefined, skipFrozen: false, checkPlan: undefined, findSensitive: nothing, machine: "" };
  }
  const machine = typeof job.stacks === "string" ? (job.create ?? "") : job.stacks.machine;
  return {
    holds: deps.createHolds(deps.ctx, job.holds),
    skipFrozen: job.skipFrozen,
    checkPlan: approved && createPlanCheck(deps, { job, approved, aims }),
    findSensitive: createSensitiveCheck(deps.yard, { event: state.event, metadata: state.metadata, machine }),
    machine,
  };
}

/** Failures do not stop an undo. */
function toLimits(job: SendJob | UndoJob, { sizes, concurrency = CONCURRENCY }: DeployState): Limits {
  if (job.op === "send") return toSendLimits(job, sizes);
  return { concurrency, maxFailures: [Number.POSITIVE_INFINITY], pausesMs: [] };
}

const POLL_MS = 2_000;
const QUIET_POLL_MS = 10_000;
const QUIET_AFTER_MS = 60_000;
const LONGEST_MS = 60_000;

function toRunning({ ctx }: DeployDeps, advanced: Advanced, progress: DeployProgress | undefined): DeployStep {
  const { deployment, hasChanged, hasExamined, until, unknown } = advanced;
  const now = ctx.clock.now();
  const quietSince = hasChanged || progress === undefined ? now : progress.quietSince;
  const examinedAt = hasExamined ? now : (progress?.examinedAt ?? now);
  const opensAt = until ?? (hasExamined ? undefined : findOpening(progress, now));
  const { tallies, sizes, unseen = 0 } = deployment.state;
  const tally = addTallies(tallies.flat());
  const { waiting, sent, done, failed: failures } = tally;
  const each = now - quietSince >= QUIET_AFTER_MS ? QUIET_POLL_MS : POLL_MS;
  const pollAfterMs = sent > 0 || opensAt === undefined ? each : Math.max(1, Math.min(opensAt - now, LONGEST_MS));
  const held = unknown === undefined || sent + waiting > 0 ? formatHeld(deployment) : ` ${unknown}`;
  const message = `${done} arrived, ${sent} on their way, ${waiting} to be sent, ${failures} failed.${formatUnseen(unseen, listCount(sizes))}${held}`;
  const next = deployment.state.next;
  return running({ progress: { next, quietSince, examinedAt, ...defined({ opensAt }) }, pollAfterMs, message });
}

/** Returns the instant that is still to come: when it has passed, rows were examined. */
function findOpening({ opensAt }: Partial<DeployProgress> = {}, now: number): number | undefined {
  return opensAt !== undefined && opensAt > now ? opensAt : undefined;
}

// Who may read a release may not read all of its stacks. So its texts have counts and codes; which stacks they are, and why, is
// in the rows, which each reader sees in part.

/** Returns why the rows that were examined wait. */
function formatHeld(deployment: Deployment): string {
  const held = listItems(deployment).flatMap(({ state, code }) => (state === "waiting" && code ? [code] : []));
  return held.length === 0 ? "" : ` Held back by ${[...new Set(held)].join(", ")}. Which: ${toRowsCommand(deployment)}`;
}

function toRowsCommand({ state: { release } }: Deployment): string {
  return toShellCommand`stackyard deploys show ${release.stackId} ${release.task}`;
}

async function endDeployment(deps: DeployDeps, job: SendJob | UndoJob, given: Deployment): Promise<DeployStep> {
  const whole = await deps.rows.loadAll(given);
  const undone = listItems(whole).filter(
    ({ state, code }) => state === "done" || (state === "skipped" && code === "STACK_MOVED"),
  );
  if (job.op === "undo") await noteUndone(deps, job.of, undone);
  const ended = { ...whole, state: { ...whole.state, endedAt: deps.ctx.clock.now() } };
  await deps.rows.save(ended);
  return toEnd(job, ended);
}

/** Returns the last step of a deployment of which all rows are loaded. */
function toEnd(job: SendJob | UndoJob, deployment: Deployment): DeployStep {
  const rows = listItems(deployment);
  const count = (...states: readonly DeployRow["state"][]) => rows.filter((row) => states.includes(row.state)).length;
  const outputs = {
    stacks: rows.length,
    done: count("done"),
    unchanged: count("unchanged"),
    failed: count("failed"),
    skipped: count("skipped"),
    ...defined({ unseen: deployment.state.unseen }),
  };
  const why = findFailure(job, deployment);
  const shortfall = findShortfall(rows);
  if (why === undefined) return succeeded(outputs, defined({ shortfall }));
  const failures = rows.filter((row) => row.state === "failed");
  const code = (why.code === "TOO_MANY_FAILURES" && findOnlyCode(failures)) || why.code;
  const unsent = count("unsent") === 0 ? [] : [`${count("unsent")} were not sent.`];
  const which = failures.length === 0 ? [] : [`${formatCodes(failures)}. Which, and why: ${toRowsCommand(deployment)}`];
  const message = [why.message, ...unsent, ...which].join(" ");
  return failed({ code, message, retryable: false, outputs });
}

/** Returns the failures within the budget of a deployment. Ids are in its rows, for those who may read the stacks. */
function findShortfall(rows: readonly DeployRow[]): Succeeded["shortfall"] {
  const failed = rows.filter(({ state }) => state === "failed");
  if (failed.length === 0) return undefined;
  const arrived = rows.filter(({ state }) => state === "done" || state === "unchanged").length;
  return {
    code: findOnlyCode(failed) || "STACKS_FAILED",
    message: `${arrived} of ${rows.length} stacks have arrived, ${failed.length} ${failed.length === 1 ? "has" : "have"} failed: ${formatCodes(failed)}.`,
  };
}

/** Returns the code that all rows have; undefined when they have several. */
function findOnlyCode(rows: readonly DeployRow[]): string | undefined {
  const [only, ...others] = new Set(rows.map(({ code }) => code));
  return others.length === 0 ? only : undefined;
}

/** Formats how many rows have each code, such as `STACK_FAILED 2, STACK_STALLED 1`. */
function formatCodes(rows: readonly DeployRow[]): string {
  const codes = Map.groupBy(rows, ({ code = "" }) => code);
  return [...codes].map(([code, same]) => `${code} ${same.length}`).join(", ");
}

function findFailure(job: SendJob | UndoJob, deployment: Deployment): { code: string; message: string } | undefined {
  const { state } = deployment;
  if (state.stop !== undefined && state.stop.code !== "TOO_MANY_FAILURES") return state.stop;
  const waves = tallyByWave(state);
  const failures = addTallies(waves).failed;
  if (job.op === "undo") return findUnrestored(failures, deployment);
  const { maxFailures } = toLimits(job, state);
  const isTooMany = waves.some((wave, index) => wave.failed > (maxFailures[index] ?? 0));
  if (!isTooMany && state.stop === undefined) return findNothingHere(deployment);
  return { code: "TOO_MANY_FAILURES", message: `${failures} of ${listCount(state.sizes)} stacks have failed.` };
}

/** An undo that has restored none of what was sent has not undone it. */
function findUnrestored(failures: number, deployment: Deployment): { code: string; message: string } | undefined {
  const rows = listItems(deployment);
  const code = "UNDO_INCOMPLETE";
  if (failures > 0)
    return { code, message: `${failures} stacks could not be restored. Correct them, and retry the task.` };
  if (rows.length === 0 || rows.some(({ state }) => state === "done")) return undefined;
  return {
    code,
    message: `None of ${rows.length} stacks was restored: ${formatCodes(rows)}. Which, and why: ${toRowsCommand(deployment)}`,
  };
}

/** A release that no stack has, because all have something newer, has not arrived. */
function findNothingHere(deployment: Deployment): { code: string; message: string } | undefined {
  const rows = listItems(deployment);
  const newer = rows.filter(({ code }) => code === "NEWER_RELEASE").length;
  if (newer === 0 || rows.some(({ state }) => state === "done" || state === "unchanged")) return undefined;
  return { code: "NEWER_RELEASE", message: `No stack has this version, and ${newer} have that of a newer release.` };
}

function listCount(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}
