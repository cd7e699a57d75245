import {
  advance,
  FIRST_POSITION,
  type ReleaseOutcome,
  type ReleasePosition,
  type ReleaseValues,
} from "../machine/advance.ts";
import type { ReleaseMachine } from "../machine/release-row.ts";
import type { ReleaseStateName } from "../machine/state-name.ts";

/** What is known after a state. */
type Told = Partial<ReleaseValues> & Readonly<Record<string, unknown>>;

/**
 * What the visits of a state come to: an error class, or values that are known then. After the last one all is well.
 */
export type Script = Readonly<Partial<Record<ReleaseStateName, readonly (string | Told)[]>>>;

/** The way of a release through the table. */
export interface Walk {
  readonly path: readonly string[];
  /** Seconds. */
  readonly pauses: readonly number[];
  readonly end: string;
}

/** Values of a release whose first look at its health is good. */
export const HEALTHY = { healthy: true, wait_for_healthy: 15, wait_for_detach: 30 } satisfies ReleaseValues;

/** Walks a release through the table: every visit of a state, retries too, is a place in the path. */
export function walkRelease(machine: ReleaseMachine, script: Script = {}): Walk {
  const path: string[] = [];
  const pauses: number[] = [];
  let values: ReleaseValues = HEALTHY;
  let position: ReleasePosition = FIRST_POSITION;
  while (path.length < 2_000) {
    const said = script[position.state]?.[path.filter((state) => state === position.state).length];
    path.push(position.state);
    values = typeof said === "object" ? { ...values, ...said } : values;
    const next = advance(machine, position, toOutcome(said), values);
    if (next.kind === "too-late") throw new Error(`a halt in ${position.state} comes too late`);
    if (next.kind === "ended") return { path: [...path, next.position.state], pauses, end: next.end };
    if (next.pauseSeconds > 0) pauses.push(next.pauseSeconds);
    position = next.position;
  }
  throw new Error("The release goes in circles.");
}

function toOutcome(said: string | object | undefined): ReleaseOutcome {
  return typeof said === "string" ? { kind: "failed", errorClass: said } : { kind: "done" };
}
