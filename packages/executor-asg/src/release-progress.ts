import { isMap } from "@stackyard/core";
import type { ReleaseOperation } from "@stackyard/sdk/releases";
import type { AsgProgress } from "./definition.ts";
import type { Release } from "./document/release.ts";
import type { ReleasePosition, ReleaseStateName } from "./release-machine.ts";
import type { HaltOrder, ReleaseError, ReleaseFailureCode, ReleaseState, StateError } from "./release-state.ts";

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
  /** Set when the run was cancelled. */
  readonly halt?: Extract<HaltOrder, { kind: "release" }>;
  /** Set while it waits for another release's locks. */
  readonly mayQueue: boolean;
  /** The first error's code and state, which decide the end. */
  readonly failure?: { readonly code: ReleaseFailureCode; readonly state: ReleaseStateName };
  /** Since when it waits for another release. */
  readonly queuedSince?: number;
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
