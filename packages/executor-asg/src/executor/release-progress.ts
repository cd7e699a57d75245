import type { ReleaseOperation } from "@stackyard/sdk/releases";
import type { AsgProgress } from "../definition.ts";
import type { Release } from "../document/release.ts";
import type { HaltOrder } from "../halt/decide-halt.ts";
import type { ReleasePosition } from "../machine/advance.ts";
import type { ReleaseStateName } from "../machine/state-name.ts";
import type { ReleaseFailureCode } from "../release-error.ts";
import type { ReleaseState } from "../release-state.ts";

/** A release on its way through the states, between two polls. JSON. */
export interface ReleaseProgress {
  readonly op: "deploy";
  /** What it was asked for: a release back may become an ordinary one. */
  readonly operation: ReleaseOperation;
  readonly release: Release;
  readonly state: ReleaseState;
  readonly position: ReleasePosition;
  /** The state of the position was entered. Epoch ms. */
  readonly since: number;
  /** Its work, or the state after it, comes then. Epoch ms. */
  readonly dueAt: number;
  readonly path: readonly { readonly state: ReleaseStateName; readonly at: number }[];
  readonly lines: readonly { readonly at: number; readonly text: string }[];
  /** A cancel of the run. */
  readonly halt?: Extract<HaltOrder, { kind: "release" }>;
  /** It waits for a release that has the locks. */
  readonly mayQueue: boolean;
  /** What decided the end: our code for the first error, and where it was. */
  readonly failure?: { readonly code: ReleaseFailureCode; readonly state: ReleaseStateName };
  /** It waits for another release since then. */
  readonly queuedSince?: number;
}

/** What the report shows of the path and of the lines. */
const MAX_PATH = 200;
const MAX_LINES = 50;

/** At the beginning of a state. */
export function enter(
  progress: ReleaseProgress,
  { position, now, pauseMs }: { readonly position: ReleasePosition; readonly now: number; readonly pauseMs: number },
): ReleaseProgress {
  const { queuedSince: _, ...rest } = progress;
  const path = [...progress.path, { state: position.state, at: now }].slice(-MAX_PATH);
  return { ...rest, position, since: now, dueAt: now + pauseMs, path };
}

/** With what was told since the last poll. */
export function withLines(progress: ReleaseProgress, lines: ReleaseProgress["lines"]): ReleaseProgress {
  return { ...progress, lines: [...progress.lines, ...lines].slice(-MAX_LINES) };
}

/** As the yard keeps it. */
export function toAsgProgress(progress: ReleaseProgress): AsgProgress {
  return { ...progress };
}

/** What this package has kept comes back as it was. */
export function parseReleaseProgress(progress: AsgProgress): ReleaseProgress {
  return progress as unknown as ReleaseProgress;
}
