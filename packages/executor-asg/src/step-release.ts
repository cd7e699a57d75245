import { QUEUE_MS } from "./definition.ts";
import { isReleaseWorkName, runState, tryLock } from "./deploy/run-state.ts";
import {
  type Advance,
  advance,
  RELEASE_MACHINES,
  type ReleaseEnd,
  type ReleasePosition,
  type ReleaseRow,
} from "./release-machine.ts";
import { enter, type ReleaseProgress, withFailure } from "./release-progress.ts";
import { decideHalt, type ReleaseDeps, ReleaseError, type ReleaseState } from "./release-state.ts";

/** Result of one poll of a release. */
type ReleaseStep =
  | { readonly kind: "going"; readonly progress: ReleaseProgress; readonly message: string }
  | { readonly kind: "ended"; readonly progress: ReleaseProgress; readonly end: ReleaseEnd };

/**
 * Runs one poll: looks for a halt, runs the state if it is due, asks the machine where to go, and enters that state.
 * Repeatable after a crash, because the returned progress is its only memory. Throws only if the call itself must end.
 */
export async function stepRelease(deps: ReleaseDeps, progress: ReleaseProgress): Promise<ReleaseStep> {
  const { position, release } = progress;
  const machine = RELEASE_MACHINES[deps.constants.generation];
  const row = machine[position.state];
  const halt = isHaltable(deps, progress, row) ? await findHalt(deps, progress) : undefined;
  const result = await runIfDue(deps, progress, row, halt);
  if (result.kind === "going") return result;
  const { error, state } = result;
  const outcome = error === undefined ? DONE : { kind: "failed" as const, errorClass: error.errorClass };
  const next = advance(machine, position, outcome, { ...state, wait_for_healthy: release.wait_for_healthy });
  return follow(deps, { ...progress, state }, next, error);
}

const DONE = { kind: "done" } as const;

/** The outcome of a state that ran. */
interface StateResult {
  readonly kind: "ran";
  readonly state: ReleaseState;
  readonly error?: ReleaseError;
}

type Going = Extract<ReleaseStep, { kind: "going" }>;

/**
 * Tells whether a halt changes this poll. States look for halts themselves when they run; only waits, the pauses of the
 * health check and the queue for the lock are interrupted.
 */
function isHaltable(deps: ReleaseDeps, progress: ReleaseProgress, row: ReleaseRow | undefined): boolean {
  if (row?.kind === "wait") return row.halted !== undefined;
  if (progress.position.state === "CheckHealthy") return !isDue(deps, progress);
  return progress.queuedSince !== undefined && isDue(deps, progress);
}

function isDue({ clock }: ReleaseDeps, { dueAt }: ReleaseProgress): boolean {
  return clock.now() >= dueAt;
}

/** Runs the current state. Until it is due, keeps the lock during a wait. */
async function runIfDue(
  deps: ReleaseDeps,
  progress: ReleaseProgress,
  row: ReleaseRow | undefined,
  halt: ReleaseError | undefined,
): Promise<Going | StateResult> {
  if (halt !== undefined && progress.position.state !== "CheckHealthy") return toFailed(deps, progress, halt);
  if (halt === undefined && !isDue(deps, progress)) {
    if (row?.kind === "wait") await renewLock(deps, progress);
    return rest(deps, progress);
  }
  if (row?.kind !== "task") return { kind: "ran", state: progress.state };
  try {
    return row.task === "Lock" ? await takeLock(deps, progress) : await runTask(deps, progress, row.task);
  } catch (error) {
    return toFailed(deps, progress, error);
  }
}

async function runTask(deps: ReleaseDeps, { release, state }: ReleaseProgress, task: string): Promise<StateResult> {
  if (!isReleaseWorkName(task)) throw new ReleaseError("TASK_UNKNOWN", `Unknown task: ${task}.`);
  return { kind: "ran", state: await runState(deps, task, { release, state }) };
}

const ASK_AGAIN_MS = 15_000;

/** Takes the locks; waits, if allowed, for the release that has them. The timeout starts when it gets them. */
async function takeLock(deps: ReleaseDeps, progress: ReleaseProgress): Promise<Going | StateResult> {
  const { release, state, queuedSince } = progress;
  const now = deps.clock.now();
  const answer = await tryLock(deps, { release, state });
  if (answer.kind === "locked") {
    const started_at = queuedSince === undefined ? answer.state.started_at : new Date(now).toISOString();
    return { kind: "ran", state: { ...answer.state, started_at } };
  }
  const mayWait = progress.mayQueue && answer.what !== "used" && now < (queuedSince ?? now) + QUEUE_MS;
  if (!mayWait) throw new ReleaseError("LOCK_EXISTS", answer.message);
  const waiting = { ...progress, queuedSince: queuedSince ?? now, dueAt: now + ASK_AGAIN_MS };
  return { kind: "going", progress: waiting, message: `Lock: waiting for ${answer.by}.` };
}

async function renewLock({ memory, logger }: ReleaseDeps, { release, state }: ReleaseProgress): Promise<void> {
  await memory.locks.renew(release, state.uuid).catch((error: unknown) => {
    logger.warn("cannot renew the lock of a release", { error, release: release.release_id });
  });
}

function toFailed(deps: ReleaseDeps, { state }: ReleaseProgress, error: unknown): StateResult {
  deps.signal.throwIfAborted();
  if (!(error instanceof ReleaseError)) throw error;
  return { kind: "ran", state: error.partial ?? state, error };
}

function rest({ clock }: ReleaseDeps, progress: ReleaseProgress): Going {
  const seconds = Math.ceil(Math.max(0, progress.dueAt - clock.now()) / 1_000);
  return { kind: "going", progress, message: `${progress.position.state}: ${seconds} s.` };
}

/** Enters the next state, or this one again after a pause. */
function follow(deps: ReleaseDeps, progress: ReleaseProgress, next: Advance, error?: ReleaseError): ReleaseStep {
  const { state } = progress.position;
  const now = deps.clock.now();
  if (next.kind === "too-late") return rest(deps, progress);
  if (next.kind === "retrying") {
    const { position, pauseSeconds } = next;
    deps.report(`${state} again in ${pauseSeconds} s: ${error?.message ?? ""}`);
    const paused = { ...progress, position, dueAt: now + pauseSeconds * 1_000 };
    return { kind: "going", progress: paused, message: formatPosition(position) };
  }
  if (error !== undefined) deps.report(`${error.errorClass} in ${state}: ${error.message}`);
  const caught = error === undefined ? progress : withFailure(progress, error);
  const pauseMs = next.kind === "moved" ? next.pauseSeconds * 1_000 : 0;
  const entered = enter(caught, { position: next.position, now, pauseMs });
  if (next.kind === "ended") return { kind: "ended", progress: entered, end: next.end };
  return { kind: "going", progress: entered, message: formatPosition(next.position) };
}

function formatPosition({ state, retries }: ReleasePosition): string {
  const tries = retries.reduce((sum, each) => sum + each, 0);
  return tries === 0 ? `${state}.` : `${state}, try ${tries + 1}.`;
}

/**
 * Finds a halt request while a release waits. Ignores the timeout: the predecessor's states check it when they run, and
 * the slow start of a target group is not part of it. Unreadable requests are read again at the next check, some
 * seconds later.
 */
async function findHalt(deps: ReleaseDeps, { release }: ReleaseProgress): Promise<ReleaseError | undefined> {
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
