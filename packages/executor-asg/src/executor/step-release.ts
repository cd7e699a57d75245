import { QUEUE_MS } from "../definition.ts";
import { advance, type ReleaseOutcome, type ReleasePosition } from "../machine/advance.ts";
import { RELEASE_MACHINES } from "../machine/release-machine.ts";
import type { ReleaseEnd, ReleaseMachine } from "../machine/release-row.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import type { ReleaseState } from "../release-state.ts";
import { isReleaseWorkName, runState } from "../run-state.ts";
import { tryLock } from "../tasks/lock.ts";
import { findHaltInWait } from "./find-halt-in-wait.ts";
import { enter, type ReleaseProgress } from "./release-progress.ts";
import { rememberError } from "./remember-error.ts";

/** How far a release is after one step. */
export type ReleaseStep =
  | { readonly kind: "going"; readonly progress: ReleaseProgress; readonly message: string }
  | { readonly kind: "ended"; readonly progress: ReleaseProgress; readonly end: ReleaseEnd };

const ASK_AGAIN_MS = 15_000;

/**
 * Does what is due: one state, or a look during a wait. Repeatable after a crash: what it gives is the only memory of it. Throws only
 * when the call itself is to end.
 */
export async function stepRelease(deps: ReleaseDeps, progress: ReleaseProgress): Promise<ReleaseStep> {
  const { position, dueAt } = progress;
  const row = machineOf(deps)[position.state];
  if (row?.kind === "wait") return passWait(deps, progress);
  if (deps.clock.now() < dueAt && !(await isCutShort(deps, progress))) return rest(deps, progress);
  if (row?.kind !== "task") return follow(deps, progress, { outcome: { kind: "done" }, state: progress.state });
  if (row.task === "Lock") return takeLock(deps, progress);
  return work(deps, progress, row.task);
}

/** A look at the health that will be tried again is the one pause between states that a halt must not wait for. */
async function isCutShort(deps: ReleaseDeps, progress: ReleaseProgress): Promise<boolean> {
  return progress.position.state === "CheckHealthy" && (await findHaltInWait(deps, progress)) !== undefined;
}

async function work(deps: ReleaseDeps, progress: ReleaseProgress, task: string): Promise<ReleaseStep> {
  const { release, state } = progress;
  try {
    if (!isReleaseWorkName(task)) throw new ReleaseError("TASK_UNKNOWN", `There is no task ${task}.`);
    const next = await runState(deps, task, { release, state });
    return follow(deps, progress, { outcome: { kind: "done" }, state: next });
  } catch (error) {
    return fail(deps, progress, error);
  }
}

/** Where it may, a release waits for the one that has the locks. Its time-out counts from the lock on. */
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
      return follow(deps, progress, { outcome: { kind: "done" }, state: started });
    }
    const mayWait = progress.mayQueue && answer.what !== "used" && now < (queuedSince ?? now) + QUEUE_MS;
    if (!mayWait) throw new ReleaseError("LOCK_EXISTS", answer.message);
    const waiting = { ...progress, queuedSince: queuedSince ?? now, dueAt: now + ASK_AGAIN_MS };
    return { kind: "going", progress: waiting, message: `Lock: waits for ${answer.by}.` };
  } catch (error) {
    return fail(deps, progress, error);
  }
}

/** A wait ends with its time, or with a halt. The lock's lease is renewed meanwhile. */
async function passWait(deps: ReleaseDeps, progress: ReleaseProgress): Promise<ReleaseStep> {
  const { state, release } = progress;
  const row = machineOf(deps)[progress.position.state];
  const halt = row?.kind === "wait" && row.halted !== undefined ? await findHaltInWait(deps, progress) : undefined;
  if (halt !== undefined) return fail(deps, progress, halt);
  if (deps.clock.now() >= progress.dueAt) return follow(deps, progress, { outcome: { kind: "done" }, state });
  await deps.memory.locks.renew(release, state.uuid).catch((error: unknown) => {
    deps.logger.warn("the lock of a release could not be renewed", { error, release: release.release_id });
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
  const state = error.partial ?? progress.state;
  return follow(deps, progress, { outcome: { kind: "failed", errorClass: error.errorClass }, state, error });
}

interface Outcome {
  readonly outcome: ReleaseOutcome;
  readonly state: ReleaseState;
  readonly error?: ReleaseError;
}

function follow(deps: ReleaseDeps, progress: ReleaseProgress, { outcome, state, error }: Outcome): ReleaseStep {
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
    return { kind: "going", progress: { ...known, position, dueAt: now + pauseMs }, message: tellPosition(position) };
  }
  if (error !== undefined) deps.report(`${error.errorClass} in ${progress.position.state}: ${error.message}`);
  const caught = error === undefined ? known : withFailure(known, error);
  const pauseMs = next.kind === "moved" ? next.pauseSeconds * 1_000 : 0;
  const entered = enter(caught, { position: next.position, now, pauseMs });
  if (next.kind === "ended") return { kind: "ended", progress: entered, end: next.end };
  return { kind: "going", progress: entered, message: tellPosition(next.position) };
}

function withFailure(progress: ReleaseProgress, error: ReleaseError): ReleaseProgress {
  const failure = progress.failure ?? { code: error.releaseCode, state: progress.position.state };
  return { ...progress, failure, state: rememberError(progress.state, error) };
}

function tellPosition({ state, retries }: ReleasePosition): string {
  const tries = retries.reduce((sum, each) => sum + each, 0);
  return tries === 0 ? `${state}.` : `${state}, try ${tries + 1}.`;
}

function machineOf({ constants }: ReleaseDeps): ReleaseMachine {
  return RELEASE_MACHINES[constants.generation];
}
