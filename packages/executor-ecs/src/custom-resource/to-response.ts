import type { CustomResourceRequest } from "./custom-resource-request.ts";

/** What `Fn::GetAtt` finds: always every name, always text, so that a template never breaks. */
export interface ResponseData {
  /** `true` or `false`. */
  readonly Ran: string;
  /** `RUN`, or why nothing was run; empty where it was not decided. */
  readonly Why: string;
  /** The first task's ARN, or empty. */
  readonly TaskArn: string;
  /** Separated by commas. */
  readonly TaskArns: string;
  /** As resolved, with its revision. */
  readonly TaskDefinitionArn: string;
  readonly Count: string;
  /** Of the first failing container, else 0; empty where nobody waited. */
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

/** "The response body can't exceed 4096 bytes": more is not read, and CloudFormation waits for an hour. */
export const MAX_RESPONSE_BYTES = 4_096;
const MIN_REASON = 200;
const ELLIPSIS = "…";
const NO_DATA: ResponseData = {
  ...{
    Ran: "false",
    Why: "",
    TaskArn: "",
    TaskArns: "",
    TaskDefinitionArn: "",
    Count: "0",
    ExitCode: "",
    StartedBy: "",
  },
};

/**
 * The answer in at most 4,096 bytes of JSON: first the reason is cut, to 200 characters at the least, then the list of ARNs,
 * and only then what is left of both.
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
    ...{ StackId, RequestId, LogicalResourceId },
    NoEcho: false,
    Data: toData(data),
  };
  const cuts = [cutReasonTo(MIN_REASON), cutArns, cutReasonTo(1)];
  return cuts.reduce((response, cut) => (isWithin(response) ? response : cut(response)), whole);
}

function isWithin(response: CustomResourceResponse): boolean {
  return Buffer.byteLength(JSON.stringify(response)) <= MAX_RESPONSE_BYTES;
}

/** A success is told in one line. */
function toReason(text: string, status: ResourceOutcome["status"]): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: in JSON each of them takes six bytes and shows nothing.
  const plain = text.toWellFormed().replace(/[\u0000-\u0009\u000b-\u001f\u007f]/g, " ");
  return (status === "SUCCESS" ? plain.replace(/\s*\n\s*/g, " ") : plain).trim();
}

function toData(data: Partial<ResponseData>): ResponseData {
  const given = Object.keys(NO_DATA).map((key) => [key, data[key as keyof ResponseData]] as const);
  const texts = given.filter(([, value]) => value !== undefined).map(([key, value]) => [key, String(value)]);
  return { ...NO_DATA, ...Object.fromEntries(texts) };
}

/** The longest beginning with which the answer fits; where none does, the shortest. */
function cutReasonTo(least: number) {
  return (response: CustomResourceResponse): CustomResourceResponse => {
    const characters = [...response.Reason];
    if (characters.length <= least) return response;
    const cutAt = (length: number) => {
      const isWhole = length >= characters.length;
      return { ...response, Reason: isWhole ? response.Reason : characters.slice(0, length - 1).join("") + ELLIPSIS };
    };
    let [fits, tooLong] = [least, characters.length];
    while (tooLong - fits > 1) {
      const middle = Math.floor((fits + tooLong) / 2);
      if (isWithin(cutAt(middle))) fits = middle;
      else tooLong = middle;
    }
    return cutAt(fits);
  };
}

/** Whole ARNs only, from the end. */
function cutArns(response: CustomResourceResponse): CustomResourceResponse {
  const arns = response.Data.TaskArns.split(",");
  let cut = response;
  while (arns.length > 0 && !isWithin(cut)) {
    arns.pop();
    cut = { ...response, Data: { ...response.Data, TaskArns: arns.join(",") } };
  }
  return cut;
}
