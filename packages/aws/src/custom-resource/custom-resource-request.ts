/**
 * What CloudFormation sends to a custom resource, as it spells it (CloudFormation user guide, "Custom resource request
 * objects"). Properties and the type of the request are judged later: a resource whose properties are wrong must still be
 * answered, and deleted.
 */
export interface CustomResourceRequest {
  readonly RequestType: string;
  readonly RequestId: string;
  readonly StackId: string;
  readonly LogicalResourceId: string;
  /** Absent on Create. */
  readonly PhysicalResourceId?: string;
  /** Where the answer goes. A secret: whoever has it can answer. */
  readonly ResponseURL: string;
  readonly ResourceProperties: unknown;
  /** Present on Update. */
  readonly OldResourceProperties?: unknown;
}

const TEXTS = ["RequestId", "StackId", "LogicalResourceId", "ResponseURL"] as const;
/** Longer than what CloudFormation sends; all but the address come back in the answer. */
const MAX_LENGTHS = { RequestId: 128, StackId: 512, LogicalResourceId: 512, ResponseURL: 8_192 } as const;
const MAX_PHYSICAL_ID = 1_024;

/**
 * Reads a request far enough to answer it. Undefined: it cannot be answered, since an id or the address of the answer is
 * absent or far too long.
 */
export function parseRequest(event: unknown): CustomResourceRequest | undefined {
  if (!isJsonObject(event)) return undefined;
  const texts = TEXTS.map((name) => toBounded(event[name], MAX_LENGTHS[name]));
  const [RequestId, StackId, LogicalResourceId, ResponseURL] = texts;
  if (RequestId === undefined || StackId === undefined) return undefined;
  if (LogicalResourceId === undefined || ResponseURL === undefined) return undefined;
  const physicalId = toBounded(event["PhysicalResourceId"], MAX_PHYSICAL_ID);
  return {
    RequestType: toBounded(event["RequestType"], 64) ?? "",
    RequestId,
    StackId,
    LogicalResourceId,
    ResponseURL,
    ...(physicalId === undefined ? {} : { PhysicalResourceId: physicalId }),
    ResourceProperties: event["ResourceProperties"],
    ...(event["OldResourceProperties"] === undefined ? {} : { OldResourceProperties: event["OldResourceProperties"] }),
  };
}

/** True for what CloudFormation sends, whether it is whole or not. */
export function isCloudFormationEvent(event: unknown): boolean {
  return isJsonObject(event) && ("ResponseURL" in event || "RequestType" in event);
}

function toBounded(value: unknown, maxLength: number): string | undefined {
  return typeof value === "string" && value !== "" && value.length <= maxLength ? value : undefined;
}

function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
