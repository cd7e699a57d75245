import { type CustomResourceRequest, cutReason, isWithinLimit, toReason } from "@stackyard/aws/custom-resource";
import Type, { type Static } from "typebox";

const text = Type.String();

/** The attributes for `Fn::GetAtt`: always all names, always text, so that a template never breaks. */
export const ResponseData = Type.Object({
  /** `true` or `false`. */
  Ran: text,
  /** `RUN`, or why nothing was run; empty if it was not decided. */
  Why: text,
  /** The first task's ARN, or empty. */
  TaskArn: text,
  /** Separated by commas. */
  TaskArns: text,
  /** As resolved, with its revision. */
  TaskDefinitionArn: text,
  Count: text,
  /** Exit code of the first failed container, else 0; empty if the work did not wait. */
  ExitCode: text,
  StartedBy: text,
});
export type ResponseData = Readonly<Static<typeof ResponseData>>;

/** The end of a request. */
export interface ResourceOutcome {
  readonly status: "SUCCESS" | "FAILED";
  /** `ECS_EXIT_CODE`; on success why: `RUN`, `COUNT_ZERO`, `DELETE`. */
  readonly code: string;
  readonly text: string;
  readonly physicalResourceId: string;
  readonly data?: Partial<ResponseData> | undefined;
}

/** The answer to CloudFormation (user guide, "Custom resource response objects"). */
export const CustomResourceResponse = Type.Object({
  Status: Type.Enum(["SUCCESS", "FAILED"]),
  Reason: text,
  PhysicalResourceId: text,
  StackId: text,
  RequestId: text,
  LogicalResourceId: text,
  NoEcho: Type.Literal(false),
  Data: ResponseData,
});
export type CustomResourceResponse = Readonly<Static<typeof CustomResourceResponse>>;

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

/** Formats `1 task was`, `3 tasks were`. */
export function toCountText(count: number): string {
  return count === 1 ? "1 task was" : `${count} tasks were`;
}
