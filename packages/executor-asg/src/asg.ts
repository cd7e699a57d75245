import {
  defined,
  defineExecutor,
  type Executor,
  type ExecutorContext,
  failed,
  type Random,
  running,
  succeeded,
} from "@stackyard/core";
import {
  type AsgCall,
  openCall,
  openLocks,
  parseReleaseProgress,
  type ReleaseProgress,
  toFollowUp,
  toProjectConfig,
  withLines,
} from "./call.ts";
import { type AsgConfig, type AsgProgress, type AsgStep, asgDefinition, type Place } from "./definition.ts";
import { repairRelease } from "./deploy/repair.ts";
import {
  cancelRollback,
  pollRollback,
  type RollbackInput,
  type RollbackProgress,
  type RollbackStep,
  rollbackRelease,
} from "./deploy/rollback.ts";
import { runState } from "./deploy/run-state.ts";
import { parseRelease } from "./document/parse-release.ts";
import type { Release } from "./document/release.ts";
import { isSafe } from "./document/release-rules.ts";
import { findRootLock, lockByUser, removeRootLock, unlockByUser } from "./locks/release-locks.ts";
import { rememberPlace } from "./plan/release-place-record.ts";
import { joinSentences } from "./plan/report.ts";
import type { ReleaseEnd } from "./release-machine.ts";
import { type ReleaseDeps, ReleaseError } from "./release-state.ts";
import {
  type BeginInput,
  beginRelease,
  planTask,
  putReport,
  stepRelease,
  toBeginInput,
  writeReport,
} from "./step-release.ts";

/** Options of the executor. */
export interface AsgExecutorOptions {
  /** Random numbers for release ids. Default: `Math.random`. */
  readonly random?: Random;
}

const ASK_AGAIN_MS = 30_000;

/**
 * Creates the executor `asg`: it deploys the services of a project and config on new Auto Scaling groups, state by
 * state; it also rolls back, repairs and locks. A cancel is a halt: everything created is removed, or, if traffic has
 * moved, the release succeeds. Fails with the codes of the README; `LEFT_BEHIND` if a person has to decide.
 */
export function createAsgExecutor({ random = Math.random }: AsgExecutorOptions = {}): Executor {
  const open = (ctx: ExecutorContext, config: AsgConfig) =>
    openCall({ ctx, config, at: toAccount(ctx, config), random });
  return defineExecutor({
    ...asgDefinition,
    plan: (ctx, config) => planTask(open(ctx, config)),
    start: (ctx, config) => guard(undefined, ctx, config, () => start(open(ctx, config))),
    poll: (ctx, config, progress) => guard(progress, ctx, config, () => poll(open(ctx, config), progress)),
    cancel: (ctx, config, progress) => guard(progress, ctx, config, () => cancel(open(ctx, config), progress)),
  });
}

/** Returns the account and region of the release, or of the task's target. */
function toAccount({ target }: ExecutorContext, { release, at }: AsgConfig): AsgCall["at"] {
  const { aws_account_id: account, aws_region: region } = release ?? {};
  return {
    account: target?.account ?? at?.account ?? (typeof account === "string" ? account : ""),
    region: target?.region ?? at?.region ?? (typeof region === "string" ? region : ""),
  };
}

async function start(call: AsgCall): Promise<AsgStep> {
  const { op = "deploy" } = call.config;
  return op === "deploy" ? startRelease(call, toBeginInput(call)) : STARTS[op](call, placeOf(call));
}

const STARTS: Readonly<
  Record<Exclude<AsgProgress["op"], "deploy">, (call: AsgCall, place: Place) => Promise<AsgStep>>
> = {
  rollback: startRollback,
  repair: repairPlace,
  retire: retireGroups,
  lock: lockPlace,
  unlock: unlockPlace,
};

async function poll(call: AsgCall, progress: AsgProgress): Promise<AsgStep> {
  if (progress.op === "deploy") return pollRelease(call, parseReleaseProgress(progress));
  if (progress.op === "rollback") return pollKeptRollback(call, placeOf(call), progress);
  return progress.op === "retire" ? retireGroups(call, placeOf(call), progress) : start(call);
}

async function cancel(call: AsgCall, progress: AsgProgress | undefined): Promise<AsgStep> {
  if (progress?.op === "deploy") return cancelRelease(call, parseReleaseProgress(progress));
  if (progress?.op === "rollback") return cancelKeptRollback(call, placeOf(call), progress);
  const outputs = { end: "FailureClean", dirty: false, success: false };
  const message = "The run was cancelled before it started.";
  return failed({ code: "RELEASE_HALTED", message, retryable: false, outputs });
}

function placeOf({ config, ctx }: AsgCall): Place {
  const { at, op } = config;
  if (at === undefined) throw new ReleaseError("BAD_RELEASE", `"${op}" needs "at": account, region, project, config.`);
  checkName("project", at.project);
  checkName("config", at.config);
  const { target } = ctx;
  if (target !== undefined && (target.account !== at.account || target.region !== at.region)) {
    const what = `"at" is ${at.account} in ${at.region}, but the target of the task is ${target.account} in ${target.region}.`;
    throw new ReleaseError("BAD_RELEASE", what);
  }
  return at;
}

// Such names are invalid for releases, and locks are stored under paths with these names.
function checkName(what: "project" | "config", name: string): void {
  if (isSafe(name)) return;
  const why = 'It must not contain control characters, or a part that is empty, "." or "..".';
  throw new ReleaseError("BAD_RELEASE", `${JSON.stringify(name)} is not a valid ${what} name. ${why}`);
}

/** Handles errors of the call itself. The state machine handles errors of states. */
async function guard(
  progress: AsgProgress | undefined,
  ctx: ExecutorContext,
  config: AsgConfig,
  work: () => Promise<AsgStep>,
): Promise<AsgStep> {
  try {
    return await work();
  } catch (error) {
    if (progress === undefined) return toNotStarted(ctx, config, error);
    const message = error instanceof Error ? error.message : String(error);
    const isInterrupted = ctx.signal.aborted;
    if (!isInterrupted) ctx.logger.error("a step of a release failed", { error });
    return running({ progress, pollAfterMs: isInterrupted ? 0 : ASK_AGAIN_MS, message: `Retrying: ${message}` });
  }
}

/** Fails before anything was started. */
function toNotStarted(ctx: ExecutorContext, { op = "deploy" }: AsgConfig, error: unknown): AsgStep {
  if (ctx.signal.aborted || !(error instanceof ReleaseError)) throw error;
  const { releaseCode: code, message, errorClass } = error;
  const outputs = { end: "FailureClean", dirty: false, success: false, error: errorClass, op };
  return failed({ code, message, retryable: code === "LOCK_EXISTS", outputs });
}

/** Maximum time between renewals of the lock and checks for halt requests. */
const LOOK_MS = 30_000;

/** Starts a release: validates its document. */
async function startRelease(call: AsgCall, input: BeginInput): Promise<AsgStep> {
  try {
    return goOn(call, await beginRelease(call, input), "Lock.");
  } catch (error) {
    if (!(error instanceof ReleaseError)) throw error;
    const outputs = { end: "FailureClean", dirty: false, success: false, state: "Validate", error: error.errorClass };
    return failed({ code: error.releaseCode, message: error.message, retryable: false, outputs });
  }
}

/** Runs the due step of a release. */
async function pollRelease(call: AsgCall, progress: ReleaseProgress): Promise<AsgStep> {
  const step = await stepRelease(withHalt(call.deps, progress), progress);
  const told = withLines(step.progress, call.lines);
  if (step.kind === "going") return goOn(call, told, step.message);
  await writeReport(call, told, step.end);
  if (step.end === "Success") await rememberRelease(call, told);
  return toEnd(call, told, step.end);
}

/** Notes in the yard which release runs there now; the job itself expires after a day. */
function rememberRelease({ ctx, config }: AsgCall, { release }: ReleaseProgress): Promise<void> {
  const { aws_account_id: account, aws_region: region, project_name: project, config_name } = release;
  const { revision, actor } = config;
  const running = { releaseId: release.release_id, ...defined({ revision, actor }) };
  return rememberPlace(ctx, { account, region, project, config: config_name }, { running });
}

/** Halts this release, where the states check for halts. */
function cancelRelease(call: AsgCall, progress: ReleaseProgress): Promise<AsgStep> {
  const at = call.ctx.clock.now();
  const halt = progress.halt ?? { kind: "release", message: "Halted: the run was cancelled.", at };
  return pollRelease(call, { ...progress, halt });
}

async function goOn(call: AsgCall, progress: ReleaseProgress, message: string): Promise<AsgStep> {
  await writeReport(call, progress);
  const restMs = Math.max(0, progress.dueAt - call.ctx.clock.now());
  return running({
    progress: { ...progress },
    pollAfterMs: Math.min(restMs, LOOK_MS),
    message: toMessage(progress, message),
  });
}

/** Formats `CheckHealthy: web 3/4, worker 1/1.` */
function toMessage({ state }: ReleaseProgress, message: string): string {
  const services = Object.entries(state.services).flatMap(([name, { healthy_report: report }]) =>
    report === undefined ? [] : [`${name} ${report.healthy}/${report.target_healthy}`],
  );
  return services.length === 0 ? message : `${message} ${services.join(", ")}`;
}

function withHalt(deps: ReleaseDeps, { halt }: ReleaseProgress): ReleaseDeps {
  if (halt === undefined) return deps;
  const { memory } = deps;
  return { ...deps, memory: { ...memory, listHalts: async (key) => [halt, ...(await memory.listHalts(key))] } };
}

function toEnd(call: AsgCall, progress: ReleaseProgress, end: ReleaseEnd): AsgStep {
  const { release, state, failure } = progress;
  const groups = Object.values(state.services).flatMap(({ created_asg }) => created_asg ?? []);
  const outputs = {
    releaseId: release.release_id,
    end,
    dirty: end === "FailureDirty",
    success: end === "Success",
    ...(end === "Success" ? { groups: groups.join(","), image: toImages(progress) } : {}),
    ...defined({ previousReleaseId: state.previous_release_id }),
  };
  if (end === "Success") return succeeded(outputs, toFollowUp(call, progress));
  const { code = "RELEASE_PANIC", state: at = "Validate" } = failure ?? {};
  const cause = state.error?.Cause ?? "The release failed.";
  const later = state.later_errors?.map((error) => `Then ${error.Error}: ${error.Cause}`) ?? [];
  const left = "Resources may be left behind, and the lock is kept. Run: stackyard release repair.";
  return failed({
    code: end === "FailureDirty" ? "LEFT_BEHIND" : code,
    message: joinSentences([cause, ...later, ...(end === "FailureDirty" ? [left] : [])]),
    retryable: false,
    outputs: { ...outputs, state: at, error: state.error?.Error ?? "PanicError", failure: code },
  });
}

function toImages({ state }: ReleaseProgress): string {
  const images = Object.values(state.services).flatMap(({ resources }) => resources?.image ?? []);
  return [...new Set(images)].join(",");
}

/** Progress of a rollback between two polls. JSON. */
interface KeptRollback {
  readonly op: "rollback";
  readonly inner: RollbackProgress;
  readonly lines: AsgCall["lines"];
}

const MAX_LINES = 50;

/** Rolls back a project and config by one release. */
async function startRollback(call: AsgCall, place: Place): Promise<AsgStep> {
  return tell(call, place, { step: await rollbackRelease(call.deps, toInput(call, place)), lines: [] });
}

/** Continues a rollback to kept groups. */
async function pollKeptRollback(call: AsgCall, place: Place, progress: AsgProgress): Promise<AsgStep> {
  const { inner, lines } = parse(progress);
  return tell(call, place, { step: await pollRollback(call.deps, toInput(call, place), inner), lines });
}

/** Cancels a rollback if its traffic has not moved. */
async function cancelKeptRollback(call: AsgCall, place: Place, progress: AsgProgress): Promise<AsgStep> {
  const { inner, lines } = parse(progress);
  const reason = "The run was cancelled.";
  return tell(call, place, { step: await cancelRollback(call.deps, toInput(call, place), inner, reason), lines });
}

function toInput({ ctx, config }: AsgCall, place: Place): RollbackInput {
  const uuid = `rollback-${ctx.idempotencyKey}`;
  return { at: toProjectConfig(place), uuid, ...defined({ releaseId: config.releaseId }) };
}

interface Told {
  readonly step: RollbackStep;
  readonly lines: AsgCall["lines"];
}

async function tell(call: AsgCall, place: Place, { step, lines: earlier }: Told): Promise<AsgStep> {
  const lines = [...earlier, ...call.lines].slice(-MAX_LINES);
  if (step.kind === "redeploy") return redeploy(call, step);
  await report(call, place, { step, lines });
  if (step.kind === "running") {
    const progress: KeptRollback = { op: "rollback", inner: step.progress, lines };
    return running({ progress: { ...progress }, pollAfterMs: step.waitSeconds * 1_000, message: step.message });
  }
  if (step.kind === "succeeded") {
    const { releaseId, groups } = step;
    await rememberPlace(call.ctx, place, { running: { releaseId, ...defined({ actor: call.config.actor }) } });
    return succeeded({ releaseId, end: "Success", dirty: false, success: true, groups: groups.join(",") });
  }
  const { code, message, dirty } = step;
  const outputs = { end: toRollbackEnd(step), dirty, success: false, failure: code };
  return failed({ code: dirty ? "LEFT_BEHIND" : code, message, retryable: false, outputs });
}

/** Deploys the previous document again, in this run: no group was kept. */
async function redeploy(call: AsgCall, step: Extract<RollbackStep, { kind: "redeploy" }>): Promise<AsgStep> {
  const { document, userData, previousReleaseId } = step;
  call.deps.report(`No group of release ${previousReleaseId} was kept. Deploying its document again.`);
  // The deployer's own document needs no second channel: it was read from there.
  const memory = { ...call.deps.memory, isSecondChannel: false };
  return startRelease(
    { ...call, deps: { ...call.deps, memory } },
    { operation: "rollback", document, ...defined({ userData }) },
  );
}

function report(call: AsgCall, place: Place, { step, lines }: Told): Promise<void> {
  const inner = step.kind === "running" ? step.progress : undefined;
  const now = call.ctx.clock.now();
  const isOver = step.kind !== "running";
  return putReport(call, {
    operation: "rollback",
    releaseId: inner?.previousReleaseId ?? (step.kind === "succeeded" ? step.releaseId : (call.config.releaseId ?? "")),
    account: place.account,
    region: place.region,
    project: place.project,
    config: place.config,
    state: inner?.phase ?? (step.kind === "succeeded" ? "Success" : "Rollback"),
    since: inner?.beganAt ?? now,
    timeoutSeconds: 600,
    path: [],
    services: {},
    lines,
    laterErrors: [],
    ...(step.kind === "failed" ? { error: { class: step.code, message: step.message } } : {}),
    ...(isOver ? { end: step.kind === "succeeded" ? "Success" : toRollbackEnd(step) } : {}),
  });
}

function toRollbackEnd(step: RollbackStep): "FailureClean" | "FailureDirty" {
  return step.kind === "failed" && step.dirty ? "FailureDirty" : "FailureClean";
}

/** Restores the progress stored by this file. */
function parse(progress: AsgProgress): KeptRollback {
  return progress as unknown as KeptRollback;
}

const AGAIN_MS = 60_000;
const PATIENCE_MS = 60 * 60_000;

interface RetireProgress {
  readonly op: "retire";
  readonly since: number;
}

/** Deletes the groups that a release kept for its rollback window. A running release does this itself. */
async function retireGroups(call: AsgCall, place: Place, progress?: AsgProgress): Promise<AsgStep> {
  const { deps, config, ctx } = call;
  const now = ctx.clock.now();
  const uuid = config.uuid ?? `retire-${ctx.idempotencyKey}`;
  const started = { uuid, started_at: new Date(now).toISOString() };
  const state = { ...started, healthy: true, wait_for_detach: 0, services: {} };
  const outputs = { releaseId: config.releaseId ?? "", end: "Success", dirty: false };
  try {
    await runState(deps, "RetireKept", { release: await loadRelease(call, place), state });
    return succeeded(outputs);
  } catch (error) {
    if (!(error instanceof ReleaseError) || error.releaseCode === "BAD_RELEASE") throw error;
    if (error.releaseCode !== "LOCK_EXISTS") {
      const left = { ...outputs, end: "FailureDirty", dirty: true };
      return failed({ code: "LEFT_BEHIND", message: error.message, retryable: true, outputs: left });
    }
    const since = progress === undefined ? now : parseRetire(progress).since;
    // A release that holds the locks this long deletes the groups itself, or a person handles it.
    if (now - since >= PATIENCE_MS) return succeeded(outputs);
    const waiting: RetireProgress = { op: "retire", since };
    return running({ progress: { ...waiting }, pollAfterMs: AGAIN_MS, message: "Waiting for another release." });
  }
}

/** Loads the document as stored at the start of the release. */
async function loadRelease({ deps, config, constants }: AsgCall, place: Place): Promise<Release> {
  const release_id = config.releaseId ?? "";
  const document = await deps.memory.loadDocument({ ...toProjectConfig(place), release_id });
  if (document === undefined)
    throw new ReleaseError("BAD_RELEASE", `The document of release "${release_id}" does not exist.`);
  const parsed = parseRelease(document, { constants, account: place.account, region: place.region });
  if (parsed.kind === "parsed") return parsed.release;
  throw new ReleaseError("BAD_RELEASE", parsed.problems.map(({ message }) => message).join("\n"));
}

/** Casts the progress, which this file has stored itself. */
function parseRetire(progress: AsgProgress): RetireProgress {
  return progress as unknown as RetireProgress;
}

/** Lists what a dead release left behind, and removes it if confirmed. */
async function repairPlace(call: AsgCall, place: Place): Promise<AsgStep> {
  const { ctx, config, deps } = call;
  const at = toProjectConfig(place);
  const confirm = config.confirm === true;
  const locks = openLocks(call);
  const holder = await findRootLock(locks, at);
  const isForced = confirm && config.force === true && holder !== undefined;
  if (isForced) await removeRootLock(locks, at);
  const running = holder?.release === undefined || isForced ? [] : [holder.release];
  const uuid = `repair-${ctx.idempotencyKey}`;
  const keep = config.releaseId === undefined ? [] : [config.releaseId];
  const { found, removed, failed: kept } = await repairRelease(deps, { at, uuid, running, keep, confirm });
  const outputs = defined({
    found: found.length,
    removed: removed.length,
    leftOvers: JSON.stringify(found),
    lockedBy: holder?.release ?? holder?.uuid,
  });
  if (kept.length === 0) return succeeded(outputs);
  const message = kept.map((each) => `${each.name}: ${each.message}`).join(" ");
  return failed({ code: "LEFT_BEHIND", message, retryable: false, outputs: { ...outputs, dirty: true } });
}

/** Locks a project and config for a person. */
async function lockPlace(call: AsgCall, place: Place): Promise<AsgStep> {
  const { actor = "unknown", reason = "" } = call.config;
  const lock = await lockByUser(openLocks(call), toProjectConfig(place), { user: actor, reason });
  await rememberPlace(call.ctx, place, { lock: { by: lock.user, reason: lock.reason } });
  return succeeded({ locked: true, user: lock.user, reason: lock.reason });
}

/** Removes a person's lock; with `root` also the lock of a dead deployer. */
async function unlockPlace(call: AsgCall, place: Place): Promise<AsgStep> {
  const deps = openLocks(call);
  const at = toProjectConfig(place);
  const lock = await unlockByUser(deps, at);
  const rootRemoved = call.config.root === true && (await removeRootLock(deps, at));
  await rememberPlace(call.ctx, place, { lock: "unlocked" });
  return succeeded(defined({ unlocked: lock !== undefined, rootRemoved, user: lock?.user, reason: lock?.reason }));
}
