import type { Catcher, ErrorsOf, ReleaseEnd, ReleaseMachine, Retrier, TaskRow, WaitRow } from "./release-row.ts";
import type { ReleaseStateName } from "./state-name.ts";

/** Where a release is. JSON. */
export interface ReleasePosition {
  readonly state: ReleaseStateName;
  /** How often each retry rule of the state has been used. */
  readonly retries: readonly number[];
}

/**
 * What came of a state: its work is done, or its time is over; or an error, also a halt that was seen while waiting.
 */
export type ReleaseOutcome = { readonly kind: "done" } | { readonly kind: "failed"; readonly errorClass: string };

/** What the table looks at in the release's state. Seconds. */
export interface ReleaseValues {
  readonly healthy: unknown;
  readonly wait_for_healthy: number;
  readonly wait_for_detach: number;
}

/** Where a release goes on. `pauseSeconds` pass before the work of the position. */
export type Advance =
  /** `caught`: an error leads there. */
  | {
      readonly kind: "moved";
      readonly position: ReleasePosition;
      readonly pauseSeconds: number;
      readonly caught: boolean;
    }
  | { readonly kind: "retrying"; readonly position: ReleasePosition; readonly pauseSeconds: number }
  | { readonly kind: "ended"; readonly position: ReleasePosition; readonly end: ReleaseEnd; readonly caught: boolean }
  /** A halt, in a wait that cannot obey it. */
  | { readonly kind: "too-late" };

/** Where every release begins. */
export const FIRST_POSITION: ReleasePosition = { state: "Validate", retries: [] };

/**
 * Walks the table by one step. `values` are those after the outcome. An error that a state neither retries nor catches,
 * which both tables exclude, is `FailureDirty`: nobody knows what is left.
 */
export function advance(
  machine: ReleaseMachine,
  position: ReleasePosition,
  outcome: ReleaseOutcome,
  values: ReleaseValues,
): Advance {
  const row = machine[position.state];
  switch (row?.kind) {
    case "task":
      return outcome.kind === "done"
        ? moveTo(machine, row.next, values)
        : fail(machine, position, row, { errorClass: outcome.errorClass, values });
    case "wait":
      return outcome.kind === "done" ? moveTo(machine, row.next, values) : interrupt(machine, row, values);
    case "choice":
      if (values.healthy === true) return moveTo(machine, row.healthy, values);
      return moveTo(machine, values.healthy === false ? row.unhealthy : row.otherwise, values);
    case "end":
      return { kind: "ended", position, end: row.end, caught: false };
    case undefined:
      return { kind: "ended", position, end: "FailureDirty", caught: false };
  }
}

interface Failure {
  readonly errorClass: string;
  readonly values: ReleaseValues;
}

function fail(
  machine: ReleaseMachine,
  position: ReleasePosition,
  row: TaskRow,
  { errorClass, values }: Failure,
): Advance {
  const index = row.retries.findIndex((rule) => fits(rule, errorClass));
  const rule = row.retries[index];
  const used = position.retries[index] ?? 0;
  if (rule !== undefined && used < rule.maxAttempts) {
    const retries = row.retries.map((_rule, at) => (position.retries[at] ?? 0) + (at === index ? 1 : 0));
    const pauseSeconds = rule.intervalSeconds * rule.backoffRate ** used;
    return { kind: "retrying", position: { state: position.state, retries }, pauseSeconds };
  }
  const next = row.catches.find((rule) => fits(rule, errorClass))?.next ?? "FailureDirty";
  return moveTo(machine, next, values, true);
}

function fits({ errors }: Retrier | Catcher, errorClass: string): boolean {
  return errors === "all" || isOneOf(errors, errorClass);
}

function isOneOf(errors: Exclude<ErrorsOf, "all">, errorClass: string): boolean {
  return errors.some((each) => each === errorClass);
}

function interrupt(machine: ReleaseMachine, { halted }: WaitRow, values: ReleaseValues): Advance {
  return halted === undefined ? { kind: "too-late" } : moveTo(machine, halted, values, true);
}

function moveTo(machine: ReleaseMachine, state: ReleaseStateName, values: ReleaseValues, caught = false): Advance {
  const position = { state, retries: [] };
  const row = machine[state];
  if (row?.kind === "end") return { kind: "ended", position, end: row.end, caught };
  return { kind: "moved", position, pauseSeconds: row?.kind === "wait" ? toSeconds(row, values) : 0, caught };
}

function toSeconds({ seconds }: WaitRow, values: ReleaseValues): number {
  return typeof seconds === "number" ? seconds : Math.max(0, values[seconds]);
}
