import { type CustomResourceRequest, cutReason, isWithinLimit, toReason } from "@stackyard/aws/custom-resource";

/** The attributes for `Fn::GetAtt`: always all names, always text, so that a template never breaks. */
export interface ResponseData {
  /** `true` or `false`. */
  readonly Ran: string;
  /** `RUN`, or why nothing was run; empty if it was not decided. */
  readonly Why: string;
  /** The first task's ARN, or empty. */
  readonly TaskArn: string;
  /** Separated by commas. */
  readonly TaskArns: string;
  /** As resolved, with its revision. */
  readonly TaskDefinitionArn: string;
  readonly Count: string;
  /** Exit code of the first failed container, else 0; empty if the work did not wait. */
  readonly ExitCode: string;
  readonly StartedBy: string;
}

/** How a request ended. */
export interface ResourceOutcome {
  readonly status: "SUCCESS" | "FAILED";
  /** `ECS_EXIT_CODE`; on success why: `RUN`, `COUNT_ZERO`, `DELETE`. */
  readonly code: string;
  readonly text: string;
  readonly physicalResourceId: string;
  readonly data?: Partial<ResponseData> | undefined;
}

/** The answer to CloudFormation (user guide, "Custom resource response objects"). */
export interface CustomResourceResponse {
  readonly Status: "SUCCESS" | "FAILED";
  readonly Reason: string;
  readonly PhysicalResourceId: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly NoEcho: false;
  readonly Data: ResponseData;
}

const MIN_REASON = 200;
const NO_DATA: ResponseData = {
  Ran: "false",
  Why: "",
  TaskArn: "",
  TaskArns: "",
  TaskDefinitionArn: "",
  Count: "0",
  ExitCode: "",
  StartedBy: "",
};

/**
 * Returns the response in at most 4,096 bytes of JSON: first cuts the reason, to at least 200 characters, then the list
 * of ARNs, then the rest of both.
 */
export function toResponse(
  request: Pick<CustomResourceRequest, "StackId" | "RequestId" | "LogicalResourceId">,
  { status, code, text, physicalResourceId, data = {} }: ResourceOutcome,
): CustomResourceResponse {
  const { StackId, RequestId, LogicalResourceId } = request;
  const whole: CustomResourceResponse = {
    Status: status,
    Reason: toReason(`${code}: ${text}`, status),
    PhysicalResourceId: physicalResourceId,
    StackId,
    RequestId,
    LogicalResourceId,
    NoEcho: false,
    Data: toData(data),
  };
  // A response within the limit is not cut.
  return cutReason(cutArns(cutReason(whole, MIN_REASON)), 1);
}

function toData(data: Partial<ResponseData>): ResponseData {
  const given = Object.keys(NO_DATA).map((key) => [key, data[key as keyof ResponseData]] as const);
  const texts = given.filter(([, value]) => value !== undefined).map(([key, value]) => [key, String(value)]);
  return { ...NO_DATA, ...Object.fromEntries(texts) };
}

/** Removes ARNs from the end of the list until the response fits. */
function cutArns(response: CustomResourceResponse): CustomResourceResponse {
  const arns = response.Data.TaskArns.split(",");
  let cut = response;
  while (arns.length > 0 && !isWithinLimit(cut)) {
    arns.pop();
    cut = { ...response, Data: { ...response.Data, TaskArns: arns.join(",") } };
  }
  return cut;
}
