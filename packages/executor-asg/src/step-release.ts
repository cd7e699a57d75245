import { isMap, noteLook, type WatchedTime } from "@stackyard/core";
import type { ReleaseOperation } from "@stackyard/sdk/releases";
import { type AsgProgress, QUEUE_MS } from "./definition.ts";
import { runState, tryLock } from "./deploy/run-state.ts";
import type { Release } from "./document/release.ts";
import { findHalt } from "./halt.ts";
import { ReleaseError, type ReleaseFailureCode } from "./release-errors.ts";
import {
  type Advance,
  advance,
  RELEASE_MACHINES,
  type ReleaseEnd,
  type ReleasePosition,
  type ReleaseRow,
  type ReleaseStateName,
} from "./release-machine.ts";
import type { HaltOrder, ReleaseDeps, ReleaseState, StateError } from "./release-state.ts";

/** Progress of a release between two polls. JSON. */
export interface ReleaseProgress {
  readonly op: "deploy";
  /** The requested operation: a rollback may become a normal release. */
  readonly operation: ReleaseOperation;
  readonly release: Release;
  readonly state: ReleaseState;
  readonly position: ReleasePosition;
  /** When the current state was entered. Epoch ms. */
  readonly since: number;
  /** When its work, or the next state, is due. Epoch ms. */
  readonly dueAt: number;
  readonly path: readonly { readonly state: ReleaseStateName; readonly at: number }[];
  readonly lines: readonly { readonly at: number; readonly text: string }[];
  /** Set when the task was cancelled. */
  readonly halt?: Extract<HaltOrder, { kind: "release" }>;
  /** Set while it waits for another release's locks. */
  readonly mayQueue: boolean;
  /** The first error's code and state, which decide the end. */
  readonly failure?: { readonly code: ReleaseFailureCode; readonly state: ReleaseStateName };
  /** Since when it waits for another release. */
  readonly queuedSince?: number;
  /** The polls so far. */
  readonly watched?: WatchedTime;
}

/** Maximum time between renewals of the lock and checks for halt requests. */
export const LOOK_MS = 30_000;

/** Result of one poll of a release. */
type ReleaseStep =
  | { readonly kind: "going"; readonly progress: ReleaseProgress; readonly message: string }
  | { readonly kind: "ended"; readonly progress: ReleaseProgress; readonly end: ReleaseEnd };

/**
 * Runs one poll: looks for a halt, runs the state if it is due, asks the machine where to go, and enters that state.
 * Repeatable after a crash, because the returned progress is its only memory. Throws only if the call itself must end.
 */
export async function stepRelease(deps: ReleaseDeps, before: ReleaseProgress): Promise<ReleaseStep> {
  const progress = withLook(before, deps.clock.now());
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

function withLook(progress: ReleaseProgress, now: number): ReleaseProgress {
  const watched = noteLook(progress.watched, { now, everyMs: LOOK_MS });
  const { unwatchedMs } = watched;
  return { ...progress, watched, ...(unwatchedMs > 0 && { state: { ...progress.state, unwatched_ms: unwatchedMs } }) };
}

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
    if (row.task === "Lock") return await takeLock(deps, progress);
    // The release was validated before its first poll.
    if (row.task === "Validate") throw new ReleaseError("TASK_UNKNOWN", "Unknown task: Validate.");
    return { kind: "ran", state: await runState(deps, row.task, progress) };
  } catch (error) {
    return toFailed(deps, progress, error);
  }
}

const ASK_AGAIN_MS = 15_000;

/** Takes the locks; waits, if allowed, for the release that has them. The timeout starts when it gets them. */
async function takeLock(deps: ReleaseDeps, progress: ReleaseProgress): Promise<Going | StateResult> {
  const { state, queuedSince } = progress;
  const now = deps.clock.now();
  const answer = await tryLock(deps, progress);
  if (answer.kind === "locked") {
    const started_at = queuedSince === undefined ? answer.state.started_at : new Date(now).toISOString();
    return { kind: "ran", state: { ...answer.state, started_at } };
  }
  const mayWait =
    progress.mayQueue && answer.what !== "used" && now < (queuedSince ?? now) + QUEUE_MS + (state.unwatched_ms ?? 0);
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

/** Path and lines of the report. */
const MAX_PATH = 200;
const MAX_LINES = 50;

/** Moves the progress to the start of a state. */
export function enter(
  progress: ReleaseProgress,
  { position, now, pauseMs }: { readonly position: ReleasePosition; readonly now: number; readonly pauseMs: number },
): ReleaseProgress {
  const { queuedSince: _, ...rest } = progress;
  const path = [...progress.path, { state: position.state, at: now }].slice(-MAX_PATH);
  return { ...rest, position, since: now, dueAt: now + pauseMs, path };
}

/** Adds the lines reported since the last poll. */
export function withLines(progress: ReleaseProgress, lines: ReleaseProgress["lines"]): ReleaseProgress {
  return { ...progress, lines: [...progress.lines, ...lines].slice(-MAX_LINES) };
}

/** Tells whether stored progress is that of a release. */
export function isReleaseProgress(progress: AsgProgress): progress is ReleaseProgress {
  const { op, release, state, position }: Readonly<Record<string, unknown>> = progress;
  return op === "deploy" && isMap(release) && isMap(state) && isMap(position);
}

/** Adds an error of the current state. The first one decides the end. */
export function withFailure(progress: ReleaseProgress, error: ReleaseError): ReleaseProgress {
  const failure = progress.failure ?? { code: error.releaseCode, state: progress.position.state };
  return { ...progress, failure, state: rememberError(progress.state, error) };
}

const MAX_LATER = 20;

/** Adds an error: the first one stays the release's, others are appended to `later_errors`. */
export function rememberError(state: ReleaseState, error: ReleaseError): ReleaseState {
  const told: StateError = { Error: error.errorClass, Cause: error.message };
  if (state.error === undefined) return { ...state, error: told };
  return { ...state, later_errors: [...(state.later_errors ?? []), told].slice(-MAX_LATER) };
}
