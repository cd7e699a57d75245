/** The options of the state machine. */
export interface EcsTaskStateMachineOptions {
  /** Time limit of an execution. Default: 3,590, so that its end is answered within CloudFormation's hour. */
  readonly timeoutSeconds?: number;
}

/**
 * Most seconds that an invocation works. Two steps of one request must never overlap, because StartTask has no client
 * token: so a step is given up and repeated only when its invocation has ended for certain.
 */
export const INVOCATION_SECONDS = 120;
const AFTER_INVOCATION = { TimeoutSeconds: INVOCATION_SECONDS + 30, IntervalSeconds: INVOCATION_SECONDS + 5 };

/** Lambda has not invoked the function, so that it can be called again soon. */
const NOT_INVOKED = {
  ErrorEquals: ["Lambda.TooManyRequestsException"],
  IntervalSeconds: 5,
  BackoffRate: 2,
  MaxAttempts: 8,
  MaxDelaySeconds: 60,
};

/**
 * Returns the state machine that holds a request and waits for its tasks, in the Amazon States Language: one step after
 * another, and at every end, including errors, one Answer. Its input is `{ requestId, sealed, receivedAt }`; its state
 * is the progress alone. The function's ARN may be a token or a placeholder of a template.
 */
export function toEcsTaskStateMachine(
  functionArn: string,
  { timeoutSeconds = 3_590 }: EcsTaskStateMachineOptions = {},
) {
  const { TimeoutSeconds, IntervalSeconds } = AFTER_INVOCATION;
  const request = { "requestId.$": "$$.Execution.Input.requestId", "request.$": "$$.Execution.Input" };
  const step = {
    Type: "Task",
    Resource: functionArn,
    TimeoutSeconds,
    Retry: [NOT_INVOKED, { ErrorEquals: ["States.ALL"], IntervalSeconds, BackoffRate: 1, MaxAttempts: 3 }],
  };
  return {
    Comment: "Holds one request of CloudFormation, waits for its ECS tasks, and answers it.",
    StartAt: "Begin",
    TimeoutSeconds: timeoutSeconds,
    States: {
      Begin: { Type: "Pass", Result: { progress: {} }, Next: "Step" },
      Step: {
        ...step,
        Parameters: { op: "step", ...request, "progress.$": "$.progress" },
        Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.error", Next: "GiveUp" }],
        Next: "IsDone",
      },
      IsDone: {
        Type: "Choice",
        Choices: [
          { Variable: "$.next", StringEquals: "answer", Next: "Answer" },
          { Variable: "$.next", StringEquals: "step", Next: "Step" },
        ],
        Default: "Wait",
      },
      Wait: { Type: "Wait", SecondsPath: "$.waitSeconds", Next: "Step" },
      GiveUp: {
        ...step,
        Parameters: { op: "step", ...request, "progress.$": "$.progress", "error.$": "$.error" },
        Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.error", Next: "Answer" }],
        Next: "Answer",
      },
      Answer: {
        Type: "Task",
        Resource: functionArn,
        Parameters: { op: "answer", ...request, "state.$": "$" },
        TimeoutSeconds,
        // As long as CloudFormation waits.
        Retry: [
          { ErrorEquals: ["States.ALL"], IntervalSeconds: 10, BackoffRate: 1.5, MaxAttempts: 60, MaxDelaySeconds: 60 },
        ],
        End: true,
      },
    },
  };
}
