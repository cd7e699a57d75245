/**
 * Returns the state machine for initial sets and replays, in the Amazon States Language. It calls the function step by step; the
 * function records the progress. Its input is `{ "AccountId", "Region" }`, and for a replay `Since` and `Artifact`. The function's
 * ARN can be a token or a placeholder of a template. Fails with `ACCOUNT_NOT_TRUSTED` or `INITIAL_SET_FAILED`.
 */
export function toInitialSetDefinition(functionArn: string) {
  return {
    Comment: "Announces to one consumer everything that it should have.",
    StartAt: "Step",
    States: {
      Step: {
        Type: "Task",
        Resource: functionArn,
        Parameters: { op: "initial-set", "execution.$": "$$.Execution.Name", "input.$": "$" },
        ResultPath: "$.Step",
        TimeoutSeconds: 900,
        Retry: [
          { ErrorEquals: ["States.ALL"], IntervalSeconds: 5, BackoffRate: 2, MaxAttempts: 4, MaxDelaySeconds: 60 },
        ],
        Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.Error", Next: "Failed" }],
        Next: "What",
      },
      What: {
        Type: "Choice",
        Choices: [
          { Variable: "$.Step.kind", StringEquals: "wait", Next: "Wait" },
          { Variable: "$.Step.kind", StringEquals: "done", Next: "Done" },
          { Variable: "$.Step.code", StringEquals: "ACCOUNT_NOT_TRUSTED", Next: "NotTrusted" },
        ],
        Default: "Failed",
      },
      Wait: { Type: "Wait", SecondsPath: "$.Step.seconds", Next: "Step" },
      Done: { Type: "Succeed" },
      NotTrusted: {
        Type: "Fail",
        Error: "ACCOUNT_NOT_TRUSTED",
        Cause: "The account is not trusted by this distributor.",
      },
      Failed: {
        Type: "Fail",
        Error: "INITIAL_SET_FAILED",
        Cause: "The consumer does not respond, or the step failed. See the function's log.",
      },
    },
  };
}
