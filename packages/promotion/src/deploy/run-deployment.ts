import { defined, type Failed, failed, noteLook, running, type Succeeded, succeeded } from "@stackyard/core";
import { addTallies, listItems } from "@stackyard/core/rollout";
import { type Advanced, advanceDeployment } from "./advance-deployment.ts";
import { beginDeployment, findPresent, retryDeployment } from "./begin-deployment.ts";
import type { Call } from "./call.ts";
import { withChanges } from "./change-deployment.ts";
import type { Aims } from "./decide-row.ts";
import { type DeployProgress, type DeployStep, MOST_ABSENCES } from "./definition.ts";
import type { DeployDeps, Deployment } from "./deploy-deps.ts";
import type { SendJob, UndoJob } from "./deploy-job.ts";
import type { DeployRow } from "./deploy-row.ts";
import { checkAll } from "./follow-plan.ts";
import { findLeft } from "./left-stacks.ts";
import type { Fault, Operation } from "./operation.ts";
import { formatCodes, formatHeld, listHeld, toRowsCommand } from "./row-texts.ts";
import { formatUnseen } from "./select-stacks.ts";
import { createSending } from "./sending.ts";
import { createUndoing } from "./undoing.ts";

/** One call about rows: continues them, or begins them for a new entry. */
export async function runDeployment(
  deps: DeployDeps,
  job: SendJob | UndoJob,
  progress: DeployProgress | undefined,
): Promise<DeployStep> {
  const found = await findPresent(deps);
  if ("kind" in found) return found;
  if (deps.ctx.cancelling && found.present === undefined) return NOTHING_SENT;
  const operation = job.op === "send" ? await createSending(deps, job) : createUndoing(deps, job);
  if ("kind" in operation) return operation;
  const continued = await continueOrBegin(deps, operation, found);
  if ("kind" in continued) return continued;
  if (continued.state.endedAt !== undefined) return toEnd(operation, await deps.rows.loadAll(continued));
  const begun = continued === found.present ? progress : undefined;
  const call = toCall(deps, operation, { deployment: continued, progress: begun });
  const { deployment, isChecked } = await checkFirst(deps, continued, call);
  const observesWaiting = call.observesWaiting && isChecked;
  const advanced = await advanceDeployment(deps, deployment, { ...call, observesWaiting });
  return advanced.isOver ? endDeployment(deps, operation, advanced.deployment) : toRunning(deps, advanced, begun);
}

const NOTHING_SENT: Failed = failed({
  code: "DEPLOY_CANCELLED",
  message: "The deployment was cancelled before anything was sent.",
  retryable: false,
});

/** Compares all stacks with the plan before the first event. */
async function checkFirst(deps: DeployDeps, given: Deployment, { checks, aims }: Call) {
  const { checkPlan } = checks;
  if (checkPlan === undefined || given.state.isChecked === true) return { deployment: given, isChecked: true };
  const deployment = await checkAll(deps, given, { aims, checkPlan });
  return { deployment, isChecked: deployment.state.isChecked === true };
}

interface Present {
  readonly present: Deployment | undefined;
  readonly earlier: Deployment | undefined;
}

async function continueOrBegin(
  deps: DeployDeps,
  operation: Operation,
  { present, earlier }: Present,
): Promise<Deployment | Failed> {
  if (present === undefined) {
    const planned = await operation.plan();
    return "kind" in planned ? planned : beginDeployment(deps, earlier, { op: operation.op, ...planned });
  }
  if (present.state.attempt === deps.attempt) return present;
  return retryDeployment(deps, present, operation.toRetried(present.state));
}

/** Rows that wait are observed again after so long, or when a place becomes free. */
const OBSERVE_MS = 10_000;

interface Continued {
  readonly deployment: Deployment;
  readonly progress: DeployProgress | undefined;
}

function toCall(deps: DeployDeps, operation: Operation, { deployment, progress }: Continued): Call {
  const now = deps.ctx.clock.now();
  const aims = { ...toAims(deps, operation, deployment), absences: noteCall(progress, now).absences };
  const { observesArrived, create } = operation;
  return {
    aims,
    checks: operation.toChecks(deployment, aims),
    limits: operation.toLimits(deployment.state),
    leasts: operation.toLeasts(deployment.state),
    observesArrived,
    observesWaiting: isDue(progress, now),
    repeats: deployment.state.next > (progress?.next ?? 0),
    isCancelled: deps.ctx.cancelling,
    ...defined({ create }),
  };
}

/** Notes a call, and the time before it in which no worker looked, if it comes later than planned. */
function noteCall(before: DeployProgress | undefined, now: number) {
  const { lookedAt = now, absences = [] } = before ?? {};
  const { unwatchedMs } = noteLook({ lookedAt, unwatchedMs: 0 }, { now, everyMs: LONGEST_MS });
  const all = unwatchedMs === 0 ? absences : [...absences, { from: now - unwatchedMs, until: now }];
  return { lookedAt: now, absences: all.slice(-MOST_ABSENCES) };
}

/** Rows that wait are observed when what holds them may open, and every few seconds: a stack may have come to rest. */
function isDue(progress: DeployProgress | undefined, now: number): boolean {
  if (progress?.examinedAt === undefined || now >= progress.examinedAt + OBSERVE_MS) return true;
  return progress.opensAt !== undefined && now >= progress.opensAt;
}

function toAims({ release, ctx }: DeployDeps, operation: Operation, { state }: Deployment): Aims {
  const { op, event, metadata, until, failed: failedStates, isRule } = state;
  return {
    op,
    event,
    metadata,
    until,
    failed: failedStates,
    isRule,
    release: { id: release.id, createdAt: release.createdAt },
    creates: operation.create !== undefined,
    again: operation.again,
    eachMs: operation.eachMs,
    now: ctx.clock.now(),
  };
}

const POLL_MS = 2_000;
const QUIET_POLL_MS = 10_000;
const QUIET_AFTER_MS = 60_000;
const LONGEST_MS = 60_000;

function toRunning({ ctx }: DeployDeps, advanced: Advanced, progress: DeployProgress | undefined): DeployStep {
  const { deployment, hasChanged, hasObservedWaiting, until, unknown } = advanced;
  const now = ctx.clock.now();
  const quietSince = hasChanged || progress === undefined ? now : progress.quietSince;
  const examinedAt = hasObservedWaiting ? now : (progress?.examinedAt ?? now);
  const opensAt = until ?? (hasObservedWaiting ? undefined : findOpening(progress, now));
  const { tallies, sizes, unseen = 0 } = deployment.state;
  const tally = addTallies(tallies.flat());
  const { waiting, sent, done, failed: failures } = tally;
  const each = now - quietSince >= QUIET_AFTER_MS ? QUIET_POLL_MS : POLL_MS;
  const pollAfterMs = sent > 0 || opensAt === undefined ? each : Math.max(1, Math.min(opensAt - now, LONGEST_MS));
  const reason = unknown === undefined || sent + waiting > 0 ? formatHeld(deployment) : ` ${unknown}`;
  const message = `${done} arrived, ${sent} on their way, ${waiting} to be sent, ${failures} failed.${formatUnseen(unseen, listCount(sizes))}${reason}`;
  const next = deployment.state.next;
  const known = { next, quietSince, examinedAt, ...noteCall(progress, now), ...defined({ opensAt }) };
  // What is on its way may arrive before.
  const opening = sent > 0 ? undefined : opensAt;
  const heldBy = listHeld(deployment)[0];
  return running({ progress: known, pollAfterMs, message, ...defined({ opensAt: opening, heldBy }) });
}

/** Returns the instant that is still to come: when it has passed, rows were observed. */
function findOpening({ opensAt }: Partial<DeployProgress> = {}, now: number): number | undefined {
  return opensAt !== undefined && opensAt > now ? opensAt : undefined;
}

async function endDeployment(deps: DeployDeps, operation: Operation, given: Deployment): Promise<DeployStep> {
  const all = await deps.rows.loadAll(given);
  const whole = withChanges(all, await findLeft(deps, listItems(all), toAims(deps, operation, all)));
  await operation.noteEnd(listItems(whole));
  const ended = { ...whole, state: { ...whole.state, endedAt: deps.ctx.clock.now() } };
  await deps.rows.save(ended);
  return toEnd(operation, ended);
}

/** Returns the last step of a deployment of which all rows are loaded. */
function toEnd(operation: Operation, deployment: Deployment): DeployStep {
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
  const why = findFailure(operation, deployment);
  const shortfall = findShortfall(operation, rows);
  if (why === undefined) return succeeded(outputs, defined({ shortfall }));
  const failures = rows.filter((row) => row.state === "failed");
  const code = (why.code === "TOO_MANY_FAILURES" && findOnlyCode(failures)) || why.code;
  const unsent = count("unsent") === 0 ? [] : [`${count("unsent")} were not sent.`];
  const which = failures.length === 0 ? [] : [`${formatCodes(failures)}. Which, and why: ${toRowsCommand(deployment)}`];
  const message = [why.message, ...unsent, ...which].join(" ");
  return failed({ code, message, retryable: false, outputs });
}

/**
 * Returns what a deployment has left undone within its budget: stacks that have failed, that were left with what they had, and
 * that an undo has given back a value which never ran there. Ids are in its rows, for those who may read the stacks.
 */
function findShortfall({ op }: Operation, rows: readonly DeployRow[]): Succeeded["shortfall"] {
  const failed = rows.filter(({ state }) => state === "failed");
  const left = rows.filter(({ code = "" }) => LEFT.has(code));
  const partly = left.filter(({ state }) => state === "done");
  const wholly = left.filter(({ state }) => state !== "done");
  const unproven = op === "undo" ? rows.filter(isUnproven) : [];
  const parts = [
    ...(failed.length === 0 ? [] : [`${toCount(failed, "has", "have")} failed: ${formatCodes(failed)}`]),
    ...(wholly.length === 0 ? [] : [`${toCount(wholly, "was", "were")} not changed: ${formatCodes(wholly)}`]),
    ...(partly.length === 0 ? [] : [`${toCount(partly, "was", "were")} changed in part: ${formatCodes(partly)}`]),
    ...(unproven.length === 0 ? [] : [`${toCount(unproven, "has", "have")} a version again whose work had failed`]),
  ];
  if (parts.length === 0) return undefined;
  const arrived = rows.filter(
    (row) => (row.state === "done" || row.state === "unchanged") && !left.includes(row),
  ).length;
  return {
    code: findOnlyCode([...failed, ...left]) || (unproven.length > 0 ? "RESTORED_FAILED" : "STACKS_FAILED"),
    message: `${arrived} of ${rows.length} stacks have arrived, ${parts.join(", ")}.`,
  };
}

/** Codes of stacks that were to be changed, and were not, or not wholly. */
const LEFT: ReadonlySet<string> = new Set(["FROZEN", "NO_PREVIOUS", "NOT_RESTORED", "WORK_MISSING"]);

function isUnproven({ state, from = {} }: DeployRow): boolean {
  return state === "done" && Object.values(from).some(({ failed }) => failed === true);
}

function toCount({ length }: readonly unknown[], one: string, many: string): string {
  return `${length} ${length === 1 ? one : many}`;
}

/** Returns the code that all rows have; undefined when they have several. */
function findOnlyCode(rows: readonly DeployRow[]): string | undefined {
  const [only, ...others] = new Set(rows.map(({ code }) => code));
  return others.length === 0 ? only : undefined;
}

/** The reason for which a task stopped is its failure, except too many failures: those are counted at the end. */
function findFailure(operation: Operation, deployment: Deployment): Fault | undefined {
  const { stop } = deployment.state;
  return stop !== undefined && stop.code !== "TOO_MANY_FAILURES" ? stop : operation.findFailure(deployment);
}

function listCount(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}
