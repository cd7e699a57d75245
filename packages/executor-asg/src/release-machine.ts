import type { ReleaseConstants } from "./presets.ts";
import type { ReleaseErrorClass } from "./release-errors.ts";

function retry(errors: ErrorsOf, intervalSeconds: number, maxAttempts: number, backoffRate: number): Retrier {
  return { errors, intervalSeconds, maxAttempts, backoffRate };
}

function to(next: ReleaseStateName, errors: ErrorsOf = "all"): Catcher {
  return { errors, next };
}

const ENDS: ReleaseMachine = {
  Success: { kind: "end", end: "Success" },
  FailureClean: { kind: "end", end: "FailureClean" },
  FailureDirty: { kind: "end", end: "FailureDirty" },
};

// biome-ignore format: one state per line.
const ODIN: ReleaseMachine = {
  Validate: { kind: "task", task: "Validate", next: "Lock", retries: [], catches: [to("FailureClean")] },
  Lock: { kind: "task", task: "Lock", next: "ValidateResources", retries: [], catches: [to("FailureClean", ["LockExistsError"]), to("ReleaseLockFailure")] },
  ValidateResources: { kind: "task", task: "ValidateResources", next: "Deploy", retries: [], catches: [to("ReleaseLockFailure")] },
  Deploy: { kind: "task", task: "Deploy", next: "WaitForDeploy", retries: [], catches: [to("ReleaseLockFailure", ["HaltError"]), to("DetachForFailure")] },
  // Instances that cannot boot take some time to fail.
  WaitForDeploy: { kind: "wait", seconds: 90, next: "WaitForHealthy", halted: "DetachForFailure" },
  WaitForHealthy: { kind: "wait", seconds: "wait_for_healthy", next: "CheckHealthy", halted: "DetachForFailure" },
  CheckHealthy: { kind: "task", task: "CheckHealthy", next: "Healthy?", retries: [retry(["HaltError"], 1, 0, 1), retry("all", 15, 3, 2)], catches: [to("DetachForFailure")] },
  "Healthy?": { kind: "choice", healthy: "WaitForDetach", unhealthy: "WaitForHealthy", otherwise: "DetachForFailure" },
  WaitForDetach: { kind: "wait", seconds: "wait_for_detach", next: "DetachForSuccess", halted: "DetachForFailure" },
  DetachForSuccess: { kind: "task", task: "DetachForSuccess", next: "WaitDetachForSuccess", retries: [retry(["DetachError"], 10, 60, 1), retry("all", 60, 3, 2)], catches: [to("WaitDetachForSuccess")] },
  WaitDetachForSuccess: { kind: "wait", seconds: 5, next: "CleanUpSuccess" },
  CleanUpSuccess: { kind: "task", task: "CleanUpSuccess", next: "Success", retries: [retry("all", 60, 3, 1)], catches: [to("FailureDirty")] },
  DetachForFailure: { kind: "task", task: "DetachForFailure", next: "WaitDetachForFailure", retries: [retry("all", 60, 3, 2)], catches: [to("WaitDetachForFailure")] },
  WaitDetachForFailure: { kind: "wait", seconds: 60, next: "CleanUpFailure" },
  CleanUpFailure: { kind: "task", task: "CleanUpFailure", next: "ReleaseLockFailure", retries: [retry("all", 30, 3, 2)], catches: [to("FailureDirty")] },
  ReleaseLockFailure: { kind: "task", task: "ReleaseLockFailure", next: "FailureClean", retries: [retry("all", 30, 3, 2)], catches: [to("FailureDirty")] },
  ...ENDS,
};

// step-asg-deployer catches only some classes; other errors end the execution. The last rule of each state is added for them.
const CLEAN_UP_ERRORS: ErrorsOf = ["CleanUpError", "PanicError"];

const UNLOCK_ERRORS: ErrorsOf = ["LockError", "PanicError"];

// biome-ignore format: one state per line.
const SEED: ReleaseMachine = {
  Validate: { kind: "task", task: "Validate", next: "Lock", retries: [], catches: [to("FailureClean")] },
  Lock: { kind: "task", task: "Lock", next: "ValidateResources", retries: [], catches: [to("FailureClean", ["LockExistsError"]), to("ReleaseLockFailure", ["LockError"]), to("FailureDirty")] },
  ValidateResources: { kind: "task", task: "ValidateResources", next: "Deploy", retries: [], catches: [to("ReleaseLockFailure")] },
  Deploy: { kind: "task", task: "Deploy", next: "WaitForDeploy", retries: [], catches: [to("ReleaseLockFailure", ["HaltError"]), to("CleanUpFailure")] },
  WaitForDeploy: { kind: "wait", seconds: 30, next: "WaitForHealthy", halted: "CleanUpFailure" },
  WaitForHealthy: { kind: "wait", seconds: 15, next: "CheckHealthy", halted: "CleanUpFailure" },
  CheckHealthy: { kind: "task", task: "CheckHealthy", next: "Healthy?", retries: [retry(["HealthError", "PanicError"], 15, 3, 2)], catches: [to("CleanUpFailure")] },
  "Healthy?": { kind: "choice", healthy: "CleanUpSuccess", unhealthy: "WaitForHealthy", otherwise: "CleanUpFailure" },
  CleanUpSuccess: { kind: "task", task: "CleanUpSuccess", next: "Success", retries: [retry(["CleanUpError", "LockError", "PanicError"], 30, 3, 2)], catches: [to("FailureDirty")] },
  CleanUpFailure: { kind: "task", task: "CleanUpFailure", next: "ReleaseLockFailure", retries: [retry(CLEAN_UP_ERRORS, 30, 3, 2)], catches: [to("FailureDirty")] },
  ReleaseLockFailure: { kind: "task", task: "ReleaseLockFailure", next: "FailureClean", retries: [retry(UNLOCK_ERRORS, 30, 3, 2)], catches: [to("FailureDirty")] },
  ...ENDS,
};

/** The states of a release, their transitions, retries and error handlers, for both generations of the predecessor. */
export const RELEASE_MACHINES: Readonly<Record<ReleaseConstants["generation"], ReleaseMachine>> = {
  odin: ODIN,
  "step-asg-deployer": SEED,
};

/** Error classes of a rule, or all that no earlier rule matches. */
type ErrorsOf = readonly ReleaseErrorClass[] | "all";

/** A retry rule. The first rule that matches an error applies; each rule counts its own attempts in a state. */
export interface Retrier {
  readonly errors: ErrorsOf;
  readonly intervalSeconds: number;
  /** Pause after the first try. */
  readonly maxAttempts: number;
  /** Factor between consecutive pauses. */
  readonly backoffRate: number;
}

/** Next state of an error that is not retried. */
export interface Catcher {
  readonly errors: ErrorsOf;
  readonly next: ReleaseStateName;
}

/** A task state. */
export interface TaskRow {
  readonly kind: "task";
  readonly task: ReleaseTaskName;
  readonly next: ReleaseStateName;
  readonly retries: readonly Retrier[];
  readonly catches: readonly Catcher[];
}

/** A wait state. */
interface WaitRow {
  readonly kind: "wait";
  /** Seconds, or the field of the release's state with the seconds. */
  readonly seconds: number | "wait_for_healthy" | "wait_for_detach";
  readonly next: ReleaseStateName;
  /**
   * Next state of a halt during the wait. Without it, the halt comes too late: traffic has moved, or the release is
   * being removed.
   */
  readonly halted?: ReleaseStateName;
}

/** A choice on the health of the release. */
export interface ChoiceRow {
  readonly kind: "choice";
  readonly healthy: ReleaseStateName;
  readonly unhealthy: ReleaseStateName;
  /** Next state if the health is unknown. */
  readonly otherwise: ReleaseStateName;
}

/** An end state. */
interface EndRow {
  readonly kind: "end";
  readonly end: ReleaseEnd;
}

/** `FailureClean`: nothing is left behind, and the lock is free. `FailureDirty`: a person has to decide. */
export type ReleaseEnd = Extract<ReleaseStateName, "Success" | "FailureClean" | "FailureDirty">;

/** A state. */
export type ReleaseRow = TaskRow | WaitRow | ChoiceRow | EndRow;

/** All states of a release, in order. A release starts in `Validate`. */
export type ReleaseMachine = Readonly<Partial<Record<ReleaseStateName, ReleaseRow>>>;

/** Position of a release. JSON. */
export interface ReleasePosition {
  readonly state: ReleaseStateName;
  /** The number of times that each retry rule of the state was used. */
  readonly retries: readonly number[];
}

/** Outcome of a state: done, or an error, including a halt during a wait. */
export type ReleaseOutcome = { readonly kind: "done" } | { readonly kind: "failed"; readonly errorClass: string };

/** Values of the release's state that the machine uses. Seconds. */
export interface ReleaseValues {
  readonly healthy: unknown;
  readonly wait_for_healthy: number;
  readonly wait_for_detach: number;
}

/** Next position of a release. `pauseSeconds` must pass before its work. */
export type Advance =
  /** `caught`: reached through an error handler. */
  | {
      readonly kind: "moved";
      readonly position: ReleasePosition;
      readonly pauseSeconds: number;
      readonly caught: boolean;
    }
  | { readonly kind: "retrying"; readonly position: ReleasePosition; readonly pauseSeconds: number }
  | { readonly kind: "ended"; readonly position: ReleasePosition; readonly end: ReleaseEnd; readonly caught: boolean }
  /** A halt in a wait that cannot be halted. */
  | { readonly kind: "too-late" };

/** Start of every release. */
export const FIRST_POSITION: ReleasePosition = { state: "Validate", retries: [] };

/**
 * Advances a release by one step. `values` are those after the outcome. An error that a state neither retries nor
 * catches, which both machines exclude, ends in `FailureDirty`.
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
      if (outcome.kind === "done") return moveTo(machine, row.next, values);
      return row.halted === undefined ? { kind: "too-late" } : moveTo(machine, row.halted, values, true);
    case "choice":
      if (values.healthy === true) return moveTo(machine, row.healthy, values);
      return moveTo(machine, values.healthy === false ? row.unhealthy : row.otherwise, values);
    case "end":
      return { kind: "ended", position, end: row.end, caught: false };
    case undefined:
      return { kind: "ended", position, end: "FailureDirty", caught: false };
  }
}

function fail(
  machine: ReleaseMachine,
  position: ReleasePosition,
  row: TaskRow,
  { errorClass, values }: { readonly errorClass: string; readonly values: ReleaseValues },
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
  return errors === "all" || errors.some((each) => each === errorClass);
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

/** Names of the states, as in the predecessor. */
export const RELEASE_STATE_NAMES = [
  "Validate",
  "Lock",
  "ValidateResources",
  "Deploy",
  "WaitForDeploy",
  "WaitForHealthy",
  "CheckHealthy",
  "Healthy?",
  "WaitForDetach",
  "DetachForSuccess",
  "WaitDetachForSuccess",
  "CleanUpSuccess",
  "DetachForFailure",
  "WaitDetachForFailure",
  "CleanUpFailure",
  "ReleaseLockFailure",
  "Success",
  "FailureClean",
  "FailureDirty",
] as const;

/** Name of a state. */
export type ReleaseStateName = (typeof RELEASE_STATE_NAMES)[number];

/** Tasks of the deployer's function: the task states, and the deletion of kept groups. */
export type ReleaseTaskName = Exclude<ReleaseStateName, `Wait${string}` | "Healthy?" | ReleaseEnd> | "RetireKept";
