/** What identifies a request; an answer brings it back as it was. */
export interface RequestIds {
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
}

/** An answer that CloudFormation understands. */
export interface ResourceAnswer extends RequestIds {
  readonly Status: "SUCCESS" | "FAILED";
  readonly PhysicalResourceId: string;
  readonly Reason?: string;
  readonly NoEcho?: boolean;
  readonly Data?: Readonly<Record<string, unknown>>;
}

/** User guide, "Custom resource reference", response objects: the whole object has at most 4,096 bytes. */
const MAX_BYTES = 4_096;
/** The same page, `PhysicalResourceId`: non-empty and up to 1 KB. */
const MAX_PHYSICAL_ID_BYTES = 1_024;
const IDS = ["StackId", "RequestId", "LogicalResourceId"] as const;

/** What CloudFormation makes of the bytes at a response URL: the answer, or why it fails the resource. */
export function judgeAnswer(
  body: string,
  ids: RequestIds,
): { readonly answer: ResourceAnswer } | { readonly problem: string } {
  if (Buffer.byteLength(body) > MAX_BYTES) return { problem: "Response object is too long." };
  const answer = parse(body);
  if (answer === undefined) return { problem: "Invalid response object: it is no JSON object." };
  const wrong = IDS.find((id) => answer[id] !== ids[id]);
  if (wrong !== undefined)
    return { problem: `Invalid response object: Value of property ${wrong} must match the request.` };
  const { Status, Reason, PhysicalResourceId, Data } = answer;
  if (Status !== "SUCCESS" && Status !== "FAILED")
    return { problem: "Invalid response object: Value of property Status." };
  if (typeof PhysicalResourceId !== "string" || PhysicalResourceId === "")
    return { problem: "Invalid PhysicalResourceId" };
  if (Buffer.byteLength(PhysicalResourceId) > MAX_PHYSICAL_ID_BYTES)
    return { problem: "PhysicalResourceId is too long." };
  if (Status === "FAILED" && typeof Reason !== "string")
    return { problem: "Invalid response object: Reason is required." };
  if (Data !== undefined && Object(Data) !== Data)
    return { problem: "Invalid response object: Value of property Data." };
  return { answer: { ...ids, ...answer, Status, PhysicalResourceId } };
}

function parse(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
