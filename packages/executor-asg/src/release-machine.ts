import type { ReleaseConstants, ReleaseErrorClass } from "./release-state.ts";

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

const SHARED: readonly string[] = ["WaitForDetach", "DetachForSuccess", "WaitDetachForSuccess", "CleanUpSuccess"];

/**
 * Adds the states of a healthy release whose old groups are kept: copies of the success states with their own names,
 * then the rollback window and the deletion of the kept groups. Only Step Functions needs them; a yard starts a
 * follow-up run.
 */
function withKeepingLane(states: StatesOfRelease): StatesOfRelease {
  const { "Healthy?": choice, CleanUpSuccess: cleanUp } = states;
  if (choice === undefined || cleanUp === undefined) return states;
  const shared = Object.entries(states).filter(([name]) => SHARED.includes(name));
  return {
    ...states,
    "Healthy?": { ...choice, Choices: [KEEPS, ...(choice.Choices ?? [])] },
    ...Object.fromEntries(shared.map(([name, state]) => [toLane(name), divert(state)])),
    WaitForRetire: { Type: "Wait", SecondsPath: "$.rollback_window", Next: "RetireKept" },
    RetireKept: toRetire(cleanUp),
  };
}

/** Documents without a rollback window lack it in their state. */
const KEEPS = {
  And: [
    { Variable: "$.healthy", IsPresent: true },
    { Variable: "$.healthy", BooleanEquals: true },
    { Variable: "$.rollback_window", IsPresent: true },
    { Variable: "$.rollback_window", NumericGreaterThan: 0 },
  ],
  Next: toLane("WaitForDetach"),
};

/**
 * Returns the retire state. It waits while the next release holds the lock; that one deletes kept groups itself before
 * it creates new ones.
 */
function toRetire({ Retry = [], Catch = [], ...cleanUp }: StateOfRelease): StateOfRelease {
  const held = { ErrorEquals: ["LockExistsError"] };
  return {
    ...cleanUp,
    Parameters: { ...cleanUp.Parameters, Task: "RetireKept" },
    Retry: [{ ...held, IntervalSeconds: 60, MaxAttempts: 60, BackoffRate: 1 }, ...Retry],
    Catch: [{ ...held, ResultPath: "$.error", Next: "Success" }, ...Catch],
  };
}

function divert({ Next, Catch, ...state }: StateOfRelease): StateOfRelease {
  return {
    ...state,
    ...(Catch && { Catch: Catch.map((rule) => ({ ...rule, Next: toLane(rule.Next) })) }),
    ...(Next !== undefined && { Next: toLane(Next) }),
  };
}

function toLane(name: string): string {
  if (name === "Success") return "WaitForRetire";
  return SHARED.includes(name) ? `${name}Keeping` : name;
}

/** Error classes of a rule, or all that no earlier rule matches. */
type ErrorsOf = readonly ReleaseErrorClass[] | "all";

/** A retry rule. The first rule that matches an error applies; each rule counts its own attempts in a state. */
interface Retrier {
  readonly errors: ErrorsOf;
  readonly intervalSeconds: number;
  /** Pause after the first try. */
  readonly maxAttempts: number;
  /** Factor between consecutive pauses. */
  readonly backoffRate: number;
}

/** Next state of an error that is not retried. */
interface Catcher {
  readonly errors: ErrorsOf;
  readonly next: ReleaseStateName;
}

/** A task state. */
interface TaskRow {
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
interface ChoiceRow {
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
  /** How often each retry rule of the state was used. */
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

/** A state in the Amazon States Language, as far as releases use it. */
interface StateOfRelease {
  readonly Type: "Task" | "Wait" | "Choice" | "Succeed" | "Fail";
  readonly Next?: string;
  readonly Resource?: string;
  readonly Parameters?: Readonly<Record<string, unknown>>;
  readonly Retry?: readonly RetryOfState[];
  readonly Catch?: readonly CatchOfState[];
  readonly Seconds?: number;
  readonly SecondsPath?: string;
  readonly Choices?: readonly Readonly<Record<string, unknown>>[];
  readonly Default?: string;
  readonly Error?: string;
  readonly Cause?: string;
}

/** An item of `Retry`. */
interface RetryOfState {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds: number;
  readonly MaxAttempts: number;
  readonly BackoffRate: number;
}

/** An item of `Catch`. */
interface CatchOfState {
  readonly ErrorEquals: readonly string[];
  readonly ResultPath: string;
  readonly Next: string;
}

/** States by name. */
type StatesOfRelease = Readonly<Record<string, StateOfRelease>>;

/** Options of the state machine. */
export interface ReleaseStateMachineOptions {
  /** ARN of the deployer's function; may be a token or a placeholder of a template. */
  readonly functionArn: string;
  /** Default: `odin`. */
  readonly generation?: ReleaseConstants["generation"];
  /**
   * Also retry errors of Lambda itself, such as throttling: six times within two minutes. Otherwise such an error is an
   * error of the state. Default: false, as in the predecessor.
   */
  readonly retryInvocations?: boolean;
}

/** A definition in the Amazon States Language. */
export interface ReleaseStateMachine {
  readonly Comment: string;
  readonly StartAt: string;
  readonly States: StatesOfRelease;
}

/**
 * Builds the definition of the states for Step Functions. The function receives `{ Task, Input }`, its result replaces
 * the state of the execution, and errors are stored at `$.error`. The state must contain `wait_for_healthy` and
 * `wait_for_detach` for the waits. A release with a `rollback_window` uses its own states after `Healthy?`, which end
 * with the deletion of the kept groups.
 */
export function toReleaseStateMachine(options: ReleaseStateMachineOptions): ReleaseStateMachine {
  const generation = options.generation ?? "odin";
  const rows = Object.entries(RELEASE_MACHINES[generation]);
  const states = Object.fromEntries(rows.map(([name, row]) => [name, toState(row, options)]));
  return {
    Comment: "Deploys the services of a project and config on new Auto Scaling groups, and deletes the old groups.",
    StartAt: "Validate",
    // Documents of step-asg-deployer have no rollback window.
    States: generation === "odin" ? withKeepingLane(states) : states,
  };
}

function toState(row: ReleaseRow, options: ReleaseStateMachineOptions): StateOfRelease {
  switch (row.kind) {
    case "task":
      return toTask(row, options);
    case "wait": {
      const { seconds, next } = row;
      return {
        Type: "Wait",
        ...(typeof seconds === "number" ? { Seconds: seconds } : { SecondsPath: `$.${seconds}` }),
        Next: next,
      };
    }
    case "choice":
      return toChoice(row);
    case "end":
      return row.end === "Success" ? { Type: "Succeed" } : { Type: "Fail", Error: row.end, Cause: CAUSES[row.end] };
  }
}

const CAUSES = {
  FailureClean: "The release failed and left nothing behind.",
  FailureDirty: "The release failed and may have left resources and its lock behind. A person has to decide.",
};

/** Returns a choice that first checks for the variable: comparing a missing one would end the execution. */
function toChoice({ healthy, unhealthy, otherwise }: ChoiceRow): StateOfRelease {
  const is = (value: boolean) => [
    { Variable: "$.healthy", IsPresent: true },
    { Variable: "$.healthy", BooleanEquals: value },
  ];
  const choices = [
    { And: is(true), Next: healthy },
    { And: is(false), Next: unhealthy },
  ];
  return { Type: "Choice", Choices: choices, Default: otherwise };
}

function toTask({ task, next, retries, catches }: TaskRow, options: ReleaseStateMachineOptions): StateOfRelease {
  const rules = [...(options.retryInvocations ? [INVOCATION_RETRY] : []), ...retries.map(toRetry)];
  return {
    Type: "Task",
    Resource: options.functionArn,
    Parameters: { Task: task, "Input.$": "$" },
    ...(rules.length > 0 && { Retry: rules }),
    Catch: catches.map(toCatch),
    Next: next,
  };
}

/**
 * Transient errors of Lambda's service: Step Functions developer guide, "Handle transient Lambda service exceptions".
 */
const INVOCATION_RETRY: RetryOfState = {
  ErrorEquals: [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
  ],
  IntervalSeconds: 2,
  MaxAttempts: 6,
  BackoffRate: 2,
};

function toErrors({ errors }: Retrier | Catcher): readonly string[] {
  return errors === "all" ? ["States.ALL"] : errors;
}

function toRetry(rule: Retrier): RetryOfState {
  const { intervalSeconds, maxAttempts, backoffRate } = rule;
  const pace = { IntervalSeconds: intervalSeconds, MaxAttempts: maxAttempts, BackoffRate: backoffRate };
  return { ErrorEquals: toErrors(rule), ...pace };
}

function toCatch(rule: Catcher): CatchOfState {
  return { ErrorEquals: toErrors(rule), ResultPath: "$.error", Next: rule.next };
}
