import { changeRecord, defined, type Plan } from "@stackyard/core";
import type { ReleaseEnd as ReleaseEndWriteReport, ReleaseOperation, ReleaseReport } from "@stackyard/sdk/releases";
import { type AsgCall, enter, fillDocument, type ReleaseProgress, rememberError } from "./call.ts";
import { QUEUE_MS } from "./definition.ts";
import { isReleaseWorkName, runState, tryLock } from "./deploy/run-state.ts";
import { validateRelease } from "./deploy/validate.ts";
import { parseRelease } from "./document/parse-release.ts";
import { toLetters } from "./plan/names.ts";
import { planRelease } from "./plan/plan-release.ts";
import { toReleaseReport, toReportKey } from "./plan/report.ts";
import {
  advance,
  FIRST_POSITION,
  RELEASE_MACHINES,
  type ReleaseEnd,
  type ReleaseMachine,
  type ReleaseOutcome,
  type ReleasePosition,
} from "./release-machine.ts";
import { decideHalt, type ReleaseDeps, ReleaseError, type ReleaseState, type ReleaseWork } from "./release-state.ts";

/** Result of one step of a release. */
type ReleaseStep =
  | { readonly kind: "going"; readonly progress: ReleaseProgress; readonly message: string }
  | { readonly kind: "ended"; readonly progress: ReleaseProgress; readonly end: ReleaseEnd };

const ASK_AGAIN_MS = 15_000;

/**
 * Runs one due step: a state, or a check during a wait. Repeatable after a crash, because the returned progress is its
 * only memory. Throws only if the call itself must end.
 */
export async function stepRelease(deps: ReleaseDeps, progress: ReleaseProgress): Promise<ReleaseStep> {
  const { position, dueAt } = progress;
  const row = machineOf(deps)[position.state];
  if (row?.kind === "wait") return passWait(deps, progress);
  if (deps.clock.now() < dueAt && !(await isCutShort(deps, progress))) return rest(deps, progress);
  if (row?.kind !== "task") return follow(deps, progress, progress.state);
  if (row.task === "Lock") return takeLock(deps, progress);
  return work(deps, progress, row.task);
}

/** Retries of the health check are the only pauses between states that a halt must interrupt. */
async function isCutShort(deps: ReleaseDeps, progress: ReleaseProgress): Promise<boolean> {
  return progress.position.state === "CheckHealthy" && (await findHaltInWait(deps, progress)) !== undefined;
}

async function work(deps: ReleaseDeps, progress: ReleaseProgress, task: string): Promise<ReleaseStep> {
  const { release, state } = progress;
  try {
    if (!isReleaseWorkName(task)) throw new ReleaseError("TASK_UNKNOWN", `Unknown task: ${task}.`);
    return follow(deps, progress, await runState(deps, task, { release, state }));
  } catch (error) {
    return fail(deps, progress, error);
  }
}

/** Takes the locks; waits, if allowed, for the release that has them. The timeout starts when it gets them. */
async function takeLock(deps: ReleaseDeps, progress: ReleaseProgress): Promise<ReleaseStep> {
  const { release, state, queuedSince } = progress;
  const now = deps.clock.now();
  try {
    const halt = queuedSince === undefined ? undefined : await findHaltInWait(deps, progress);
    if (halt !== undefined) throw halt;
    const answer = await tryLock(deps, { release, state });
    if (answer.kind === "locked") {
      const started =
        queuedSince === undefined ? answer.state : { ...answer.state, started_at: new Date(now).toISOString() };
      return follow(deps, progress, started);
    }
    const mayWait = progress.mayQueue && answer.what !== "used" && now < (queuedSince ?? now) + QUEUE_MS;
    if (!mayWait) throw new ReleaseError("LOCK_EXISTS", answer.message);
    const waiting = { ...progress, queuedSince: queuedSince ?? now, dueAt: now + ASK_AGAIN_MS };
    return { kind: "going", progress: waiting, message: `Lock: waiting for ${answer.by}.` };
  } catch (error) {
    return fail(deps, progress, error);
  }
}

/** Continues a wait until its time or a halt. Renews the lock's lease meanwhile. */
async function passWait(deps: ReleaseDeps, progress: ReleaseProgress): Promise<ReleaseStep> {
  const { state, release } = progress;
  const row = machineOf(deps)[progress.position.state];
  const halt = row?.kind === "wait" && row.halted !== undefined ? await findHaltInWait(deps, progress) : undefined;
  if (halt !== undefined) return fail(deps, progress, halt);
  if (deps.clock.now() >= progress.dueAt) return follow(deps, progress, state);
  await deps.memory.locks.renew(release, state.uuid).catch((error: unknown) => {
    deps.logger.warn("cannot renew the lock of a release", { error, release: release.release_id });
  });
  return rest(deps, progress);
}

function rest({ clock }: ReleaseDeps, progress: ReleaseProgress): ReleaseStep {
  const seconds = Math.ceil(Math.max(0, progress.dueAt - clock.now()) / 1_000);
  return { kind: "going", progress, message: `${progress.position.state}: ${seconds} s.` };
}

function fail(deps: ReleaseDeps, progress: ReleaseProgress, error: unknown): ReleaseStep {
  deps.signal.throwIfAborted();
  if (!(error instanceof ReleaseError)) throw error;
  return follow(deps, progress, error.partial ?? progress.state, error);
}

/** Moves on from a state that is done, or that has failed with the error. */
function follow(deps: ReleaseDeps, progress: ReleaseProgress, state: ReleaseState, error?: ReleaseError): ReleaseStep {
  const outcome: ReleaseOutcome =
    error === undefined ? { kind: "done" } : { kind: "failed", errorClass: error.errorClass };
  const { release } = progress;
  const now = deps.clock.now();
  const values = { ...state, wait_for_healthy: release.wait_for_healthy };
  const next = advance(machineOf(deps), progress.position, outcome, values);
  const known = { ...progress, state };
  if (next.kind === "too-late") return rest(deps, known);
  if (next.kind === "retrying") {
    const pauseMs = next.pauseSeconds * 1_000;
    deps.report(`${progress.position.state} again in ${next.pauseSeconds} s: ${error?.message ?? ""}`);
    const { position } = next;
    return { kind: "going", progress: { ...known, position, dueAt: now + pauseMs }, message: formatPosition(position) };
  }
  if (error !== undefined) deps.report(`${error.errorClass} in ${progress.position.state}: ${error.message}`);
  const caught = error === undefined ? known : withFailure(known, error);
  const pauseMs = next.kind === "moved" ? next.pauseSeconds * 1_000 : 0;
  const entered = enter(caught, { position: next.position, now, pauseMs });
  if (next.kind === "ended") return { kind: "ended", progress: entered, end: next.end };
  return { kind: "going", progress: entered, message: formatPosition(next.position) };
}

function withFailure(progress: ReleaseProgress, error: ReleaseError): ReleaseProgress {
  const failure = progress.failure ?? { code: error.releaseCode, state: progress.position.state };
  return { ...progress, failure, state: rememberError(progress.state, error) };
}

function formatPosition({ state, retries }: ReleasePosition): string {
  const tries = retries.reduce((sum, each) => sum + each, 0);
  return tries === 0 ? `${state}.` : `${state}, try ${tries + 1}.`;
}

function machineOf({ constants }: ReleaseDeps): ReleaseMachine {
  return RELEASE_MACHINES[constants.generation];
}

/** Input of `beginRelease`. */
export interface BeginInput {
  readonly operation: ReleaseOperation;
  readonly document: unknown;
  readonly userData?: string;
}

/** Returns the release that a task's config describes. */
export function toBeginInput({ ctx, config, constants, deps }: AsgCall): BeginInput {
  const letters = toLetters(deps.random);
  const document = fillDocument({ config, constants, target: ctx.target, now: ctx.clock.now(), letters });
  return { operation: "deploy", document, userData: config.userData ?? "" };
}

/**
 * Runs the state Validate and returns the first progress. It only stores a note of the document, so a repeated call may
 * use other ids. Throws `ReleaseError`.
 */
export async function beginRelease(
  call: AsgCall,
  { operation, document, userData }: BeginInput,
): Promise<ReleaseProgress> {
  const { deps, config, constants, at } = call;
  const { isSecondChannel } = deps.memory;
  const { release, state } = await validateRelease(deps, {
    document,
    ...defined({ userData: isSecondChannel ? undefined : userData }),
    deployerAccount: at.account,
    region: at.region,
  });
  if (release.aws_account_id !== at.account || release.aws_region !== at.region) {
    const target = `${at.account} in ${at.region}`;
    const own = `${release.aws_account_id} in ${release.aws_region}`;
    throw new ReleaseError("BAD_RELEASE", `The release is for ${own}, but the target of its task is ${target}.`);
  }
  if (!isSecondChannel) await deps.memory.storeDocument(release, { document, ...defined({ userData }) });
  const now = deps.clock.now();
  const row = RELEASE_MACHINES[constants.generation].Validate;
  const next = row?.kind === "task" ? row.next : "Lock";
  const first: ReleaseProgress = {
    op: "deploy",
    operation,
    release,
    state,
    position: FIRST_POSITION,
    since: now,
    dueAt: now,
    path: [{ state: FIRST_POSITION.state, at: now }],
    lines: [],
    mayQueue: config.queue === true,
  };
  return enter(first, { position: { state: next, retries: [] }, now, pauseMs: 0 });
}

/** Describes what a release would do: sizes of each service, resources found, and problems. Read-only. */
export async function planTask(call: AsgCall): Promise<Plan> {
  const { config, constants, deps, at } = call;
  const { op = "deploy" } = config;
  if (op !== "deploy") return { summary: `${op} cannot be planned, because it depends on existing resources.` };
  const places = { account: at.account, region: at.region, deployerAccount: at.account };
  const parsed = parseRelease(toBeginInput(call).document, { constants, now: call.ctx.clock.now(), ...places });
  if (parsed.kind === "refused") {
    return { summary: `The document has ${parsed.problems.length} problems.`, details: { problems: parsed.problems } };
  }
  const plan = await planRelease(deps, parsed.release);
  const count = plan.services.length;
  const what = `${count} new ${count === 1 ? "group" : "groups"}, ${plan.predecessors.length} old to be replaced`;
  const problems = plan.problems.length === 0 ? "" : `; ${plan.problems.length} problems`;
  return { summary: `${what}${problems}.`, unchanged: false, details: { ...plan, documentWarnings: parsed.warnings } };
}

const KEPT_MS = 30 * 24 * 3_600_000;
const MAX_TRIES = 3;

/** Writes the report of a release for its run. */
export function writeReport(call: AsgCall, progress: ReleaseProgress, end?: ReleaseEndWriteReport): Promise<void> {
  const { operation, release, state, position, since, path, lines } = progress;
  const at = { name: position.state, since };
  const report = toReleaseReport({ operation, release, state, at, path, lines, ...defined({ end }) });
  return putReport(call, report);
}

/** Stores a report. A failed write does not stop the release: the next report follows soon. */
export async function putReport({ ctx }: Pick<AsgCall, "ctx">, value: ReleaseReport): Promise<void> {
  const { records, clock, logger, stackId } = ctx;
  const key = toReportKey(stackId);
  try {
    const decide = (_: unknown, now: number) => ({ write: { value, expiresAt: now + KEPT_MS } });
    await changeRecord({ records, clock, key, tries: MAX_TRIES, decide });
  } catch (error) {
    logger.warn("cannot write the report of a release", { error });
  }
}

/**
 * Finds a halt request while a release waits. Ignores the timeout: the predecessor's states check it when they run, and
 * the slow start of a target group is not part of it. Unreadable requests are read again at the next check, some
 * seconds later.
 */
async function findHaltInWait(
  deps: ReleaseDeps,
  { release }: Pick<ReleaseWork, "release">,
): Promise<ReleaseError | undefined> {
  const { clock, constants, memory, logger } = deps;
  const halts = await memory.listHalts(release).catch((error: unknown) => {
    logger.warn("cannot read halt requests", { error, release: release.release_id });
    return "unreadable" as const;
  });
  const now = clock.now();
  const verdict = decideHalt({
    now,
    halts,
    startedAt: now,
    createdAt: now,
    timeoutSeconds: Number.POSITIVE_INFINITY,
    generation: constants.generation,
  });
  return verdict.kind === "halt" ? new ReleaseError(verdict.code, verdict.message) : undefined;
}
