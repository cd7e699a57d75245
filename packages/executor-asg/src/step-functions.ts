import type { ReleaseConstants } from "./presets.ts";
import {
  type Catcher,
  type ChoiceRow,
  RELEASE_MACHINES,
  type ReleaseRow,
  type Retrier,
  type TaskRow,
} from "./release-machine.ts";

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

/** States by name. */
type StatesOfRelease = Readonly<Record<string, StateOfRelease>>;

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

const SHARED: readonly string[] = ["WaitForDetach", "DetachForSuccess", "WaitDetachForSuccess", "CleanUpSuccess"];

/**
 * Adds the states of a healthy release whose old groups are kept: copies of the success states with their own names,
 * then the rollback window and the deletion of the kept groups. Only Step Functions needs them; a yard starts a
 * follow-up job.
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
