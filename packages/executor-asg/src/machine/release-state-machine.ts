import type { ReleaseConstants } from "../release-constants.ts";
import { withKeepingLane } from "./keeping-lane.ts";
import { RELEASE_MACHINES } from "./release-machine.ts";
import type { Catcher, ChoiceRow, ReleaseRow, Retrier, TaskRow } from "./release-row.ts";
import type { CatchOfState, RetryOfState, StateOfRelease, StatesOfRelease } from "./state-of-release.ts";

/** What may be chosen about the state machine. */
export interface ReleaseStateMachineOptions {
  /** Of the deployer's function; may be a token or a placeholder of a template. */
  readonly functionArn: string;
  /** Default: `odin`. */
  readonly generation?: ReleaseConstants["generation"];
  /**
   * Also retry what Lambda itself fails with, such as throttling: six times within two minutes. Without it such a fault
   * is an error of the state. Default: false, as the predecessor.
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
 * The states of a release as a definition for Step Functions. The function is given `{ Task, Input }`, its result
 * replaces the state of the execution, errors are kept at `$.error`. That state must have `wait_for_healthy` and
 * `wait_for_detach` when they are waited for. A release with a `rollback_window` takes a lane of its own from
 * `Healthy?` on, which ends by deleting the groups that were kept; all others never see it.
 */
export function toReleaseStateMachine(options: ReleaseStateMachineOptions): ReleaseStateMachine {
  const generation = options.generation ?? "odin";
  const rows = Object.entries(RELEASE_MACHINES[generation]);
  const states = Object.fromEntries(rows.map(([name, row]) => [name, toState(row, options)]));
  return {
    Comment: "Releases the services of a project-config on new Auto Scaling groups, and takes the old groups away.",
    StartAt: "Validate",
    // The seed's documents have no rollback window.
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
  FailureClean: "The release has failed and left nothing behind.",
  FailureDirty: "The release has failed and may have left something behind, its lock too. Somebody has to look.",
};

/** The comparison of a variable that is not there would end the execution wherever it is. */
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
