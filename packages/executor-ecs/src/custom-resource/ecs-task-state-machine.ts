/** What may be chosen about the state machine. */
export interface EcsTaskStateMachineOptions {
  /** Time limit of an execution. Default: 3,590, so that its end is answered within CloudFormation's hour. */
  readonly timeoutSeconds?: number;
}

/**
 * Returns the state machine that waits for tasks, in the Amazon States Language: one step after another, and at every
 * end, including errors, one idempotent Answer. Its input is `{ "requestId": … }`. The function's ARN may be a token or
 * a placeholder of a template.
 */
export function toEcsTaskStateMachine(
  functionArn: string,
  { timeoutSeconds = 3_590 }: EcsTaskStateMachineOptions = {},
) {
  return {
    Comment: "Waits for the ECS tasks of one request of CloudFormation, and answers it.",
    StartAt: "Begin",
    TimeoutSeconds: timeoutSeconds,
    States: {
      // The invocation that has begun the work may still be at it.
      Begin: { Type: "Wait", Seconds: 2, Next: "Step" },
      Step: {
        Type: "Task",
        Resource: functionArn,
        Parameters: { op: "step", "requestId.$": "$.requestId" },
        ResultPath: "$.step",
        TimeoutSeconds: 900,
        Retry: [
          { ErrorEquals: ["States.ALL"], IntervalSeconds: 5, BackoffRate: 2, MaxAttempts: 4, MaxDelaySeconds: 60 },
        ],
        Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.error", Next: "Answer" }],
        Next: "IsDone",
      },
      IsDone: {
        Type: "Choice",
        Choices: [{ Variable: "$.step.done", BooleanEquals: true, Next: "Answer" }],
        Default: "Wait",
      },
      Wait: { Type: "Wait", SecondsPath: "$.step.waitSeconds", Next: "Step" },
      Answer: {
        Type: "Task",
        Resource: functionArn,
        Parameters: { op: "answer", "requestId.$": "$.requestId", "state.$": "$" },
        TimeoutSeconds: 900,
        Retry: [
          { ErrorEquals: ["States.ALL"], IntervalSeconds: 10, BackoffRate: 1.5, MaxAttempts: 8, MaxDelaySeconds: 60 },
        ],
        End: true,
      },
    },
  };
}
