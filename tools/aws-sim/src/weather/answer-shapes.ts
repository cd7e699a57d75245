import { SimFault } from "../sim-fault.ts";

type Answer = Readonly<Record<string, unknown>>;

/** The rows of a list and its tokens. */
export interface PageShape {
  readonly rows: string;
  readonly tokenIn: string;
  readonly tokenOut: string;
}

const NEXT_TOKEN = { tokenIn: "NextToken", tokenOut: "NextToken" };

/** The lists that are returned in pages, by operation ("Pagination" in the API reference of each). */
export const PAGES: Readonly<Record<string, PageShape>> = {
  "ECS.ListTasks": { rows: "taskArns", tokenIn: "nextToken", tokenOut: "nextToken" },
  "S3.ListObjectsV2": { rows: "Contents", tokenIn: "ContinuationToken", tokenOut: "NextContinuationToken" },
  "AutoScaling.DescribeAutoScalingGroups": { rows: "AutoScalingGroups", ...NEXT_TOKEN },
  "EC2.DescribeInstances": { rows: "Reservations", ...NEXT_TOKEN },
  "SSM.ListCommands": { rows: "Commands", ...NEXT_TOKEN },
  "SSM.ListCommandInvocations": { rows: "CommandInvocations", ...NEXT_TOKEN },
  "SSM.DescribeInstanceInformation": { rows: "InstanceInformationList", ...NEXT_TOKEN },
  "CloudWatch.DescribeAlarms": { rows: "MetricAlarms", ...NEXT_TOKEN },
};

/** What a read answers while it does not show one thing, where that is not only a shorter list. */
export const HIDE_ONE: Readonly<Record<string, (answer: Answer) => unknown>> = {
  "ECS.DescribeTasks": (answer) => {
    const [hidden, ...tasks] = rowsOf(answer, "tasks");
    const failures = [...rowsOf(answer, "failures"), { arn: hidden?.["taskArn"], reason: "MISSING" }];
    return { ...answer, tasks, failures };
  },
  "SSM.GetCommandInvocation": () => {
    throw new SimFault("InvocationDoesNotExist", 400, "The command ID and managed node ID don't match.");
  },
};

/** The failure of one entry of a batch, with status 200, by operation and documented code. */
export const FAIL_ONE: Readonly<
  Record<string, readonly [code: string, change: (answer: Answer, input: Answer) => unknown][]>
> = {
  "SNS.PublishBatch": ["InternalError", "Throttled"].map((Code) => [
    Code,
    (answer, input) => {
      const Id = rowsOf(input, "PublishBatchRequestEntries")[0]?.["Id"];
      const Failed = [{ Id, Code, SenderFault: false, Message: "Not now." }];
      return { ...answer, Successful: rowsOf(answer, "Successful").slice(1), Failed };
    },
  ]),
  "EventBridge.PutEvents": ["InternalFailure", "ThrottlingException"].map((ErrorCode) => [
    ErrorCode,
    (answer) => {
      const failed = { ErrorCode, ErrorMessage: "Not now." };
      return { FailedEntryCount: 1, Entries: [failed, ...rowsOf(answer, "Entries").slice(1)] };
    },
  ]),
  "S3.DeleteObjects": ["InternalError", "SlowDown"].map((Code) => [
    Code,
    (answer, input) => {
      const [object] = rowsOf(Object(input["Delete"]), "Objects");
      return { ...answer, Errors: [...rowsOf(answer, "Errors"), { ...object, Code, Message: "Not now." }] };
    },
  ]),
};

/** A change that is refused while the resource is busy, by operation. */
export const BUSY: readonly {
  readonly operation: RegExp;
  readonly code: string;
  readonly status: number;
  readonly source: string;
}[] = [
  {
    operation: /^AutoScaling\.(Delete|Update|Attach|Detach|Set|Resume|Suspend|Terminate)/,
    code: "ResourceContentionFault",
    status: 500,
    source: "Auto Scaling API reference, errors of UpdateAutoScalingGroup: ResourceContention",
  },
  {
    operation: /^AutoScaling\.DeleteAutoScalingGroup$/,
    code: "ScalingActivityInProgressFault",
    status: 400,
    source: "Auto Scaling API reference, errors of DeleteAutoScalingGroup: ScalingActivityInProgress",
  },
  {
    operation: /^S3\.(PutBucket|PutPublicAccessBlock|DeleteBucket)/,
    code: "OperationAborted",
    status: 409,
    source: "S3 API reference, error responses: OperationAborted",
  },
  {
    operation: /^Lambda\.Update/,
    code: "ResourceConflictException",
    status: 409,
    source: "Lambda API reference, errors of UpdateFunctionCode: ResourceConflictException",
  },
];

/** Returns the rows of a list in an answer. */
export function rowsOf(answer: Answer, name: string): readonly Answer[] {
  const rows = answer[name];
  return Array.isArray(rows) ? rows : [];
}

/** Returns the name of the first list in an answer that has a row. */
export function findList(answer: unknown): string | undefined {
  const fields: Answer = Object(answer);
  return Object.keys(fields).find((name) => rowsOf(fields, name).length > 0);
}
