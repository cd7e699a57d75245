import { AWS_DNS_SUFFIXES, type Clock, defined, isMap, type Logger, StackyardError } from "@stackyard/core";

/** The dependencies of sending a response; the global `fetch` works. */
export interface SendDeps {
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Before each repeat. */
const PAUSES_MS = [500, 1_000, 2_000, 4_000, 8_000];
const ANSWERS_WITHIN_MS = 10_000;

/**
 * Sends the response to CloudFormation's address, which is signed for an empty content type. Retries five times; then
 * throws `UNREACHABLE`. The address is a secret and is in no log and no error.
 */
export async function sendResponse(
  deps: SendDeps,
  url: string,
  response: { readonly RequestId: string },
): Promise<void> {
  const { clock, logger } = deps;
  const body = JSON.stringify(response);
  for (let tries = 0; ; tries += 1) {
    const fault = await putOnce(deps, url, body);
    if (fault === undefined) return;
    const pauseMs = PAUSES_MS[tries];
    const fields = { requestId: response.RequestId, fault };
    if (pauseMs === undefined) {
      const message = `CloudFormation did not accept the response: ${fault}.`;
      logger.error(message, fields);
      throw new StackyardError("UNREACHABLE", message);
    }
    logger.warn("CloudFormation did not accept the response; it is sent again.", fields);
    await clock.sleep(pauseMs);
  }
}

async function putOnce({ fetch }: SendDeps, url: string, body: string): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(ANSWERS_WITHIN_MS);
    const headers = { "content-type": "" };
    const answer = await fetch(url, { method: "PUT", body, headers, redirect: "manual", signal });
    return answer.ok ? undefined : `status ${answer.status}`;
  } catch (error) {
    return `${findReason(error)}. The function must reach S3, by a NAT or an endpoint of its VPC`;
  }
}

/** Returns what is wrong with the network, by a code: the message of an error of `fetch` may contain the address. */
function findReason(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  const { name, cause } = error;
  const code: unknown = isMap(cause) || cause instanceof Error ? Reflect.get(cause, "code") : undefined;
  if (typeof code === "string") return code;
  // The port of another protocol: Fetch standard, "Port blocking".
  if (cause instanceof Error && cause.message === "bad port") return "BAD_PORT";
  return cause instanceof Error ? `${name}, ${cause.name}` : name;
}

/** "The response body can't exceed 4096 bytes": more is not read, and CloudFormation waits for an hour. */
const MAX_RESPONSE_BYTES = 4_096;
const ELLIPSIS = "…";

/**
 * Returns true for a response that CloudFormation reads: at most 4,096 bytes of JSON (user guide, "Custom resource
 * response objects").
 */
export function isWithinLimit(response: object): boolean {
  return Buffer.byteLength(JSON.stringify(response)) <= MAX_RESPONSE_BYTES;
}

/** Formats the reason of a response. A success has one line. */
export function toReason(text: string, status: "SUCCESS" | "FAILED"): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: in JSON each of them takes six bytes and shows nothing.
  const plain = text.toWellFormed().replace(/[\u0000-\u0009\u000b-\u001f\u007f]/g, " ");
  return status === "SUCCESS" ? toOneLine(plain) : plain.trim();
}

function toOneLine(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "").join(" ");
}

/** Cuts the reason until the response fits, to at least `least` characters. */
export function cutReason<Response extends { readonly Reason: string }>(response: Response, least: number): Response {
  const characters = [...response.Reason];
  if (characters.length <= least || isWithinLimit(response)) return response;
  const cutAt = (length: number): Response => {
    const isWhole = length >= characters.length;
    return { ...response, Reason: isWhole ? response.Reason : characters.slice(0, length - 1).join("") + ELLIPSIS };
  };
  let [fits, tooLong] = [least, characters.length];
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2);
    if (isWithinLimit(cutAt(middle))) fits = middle;
    else tooLong = middle;
  }
  return cutAt(fits);
}

const REGION = "[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-\\d{1,2}";
const SUFFIX = AWS_DNS_SUFFIXES.map((suffix) => suffix.replaceAll(".", "\\.")).join("|");
// The hosts of S3's endpoints ("Amazon S3 endpoints and quotas"), with the bucket before them or in the path.
const S3_HOST = new RegExp(
  `^(?:[a-z0-9][a-z0-9.-]{0,62}\\.)?s3(?:-external-1|(?:-fips)?[.-](?:dualstack\\.)?${REGION})?\\.(?:${SUFFIX})$`,
);

/**
 * Returns true for a possible address of CloudFormation: `https`, on a host of S3. Anybody who may invoke the function
 * can send a request, and the response must not go anywhere else.
 */
export function isResponseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, port, username, password } = new URL(text);
  return protocol === "https:" && port === "" && username === "" && password === "" && S3_HOST.test(hostname);
}

/** Returns true for a response URL of S3, where CloudFormation waits, or of the configured emulator. */
export function isAnswerUrl(text: string, emulator: string | undefined): boolean {
  if (isResponseUrl(text)) return true;
  if (emulator === undefined || !URL.canParse(text)) return false;
  const { protocol, hostname, username } = new URL(text);
  return protocol === "http:" && username === "" && hostname === new URL(emulator).hostname;
}

/**
 * CloudFormation's request to a custom resource, in its spelling (CloudFormation user guide, "Custom resource request
 * objects"). Properties and the type of the request are validated later: a resource with invalid properties must still
 * be answered, and deleted.
 */
export interface CustomResourceRequest {
  readonly RequestType: string;
  readonly RequestId: string;
  readonly StackId: string;
  readonly LogicalResourceId: string;
  /** Absent on Create. */
  readonly PhysicalResourceId?: string;
  /** The address for the response. A secret: everyone who has it can respond. */
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
 * Parses a request as far as needed to answer it. Returns undefined if an id or the response's address is absent or far
 * too long.
 */
export function parseRequest(event: unknown): CustomResourceRequest | undefined {
  if (!isMap(event)) return undefined;
  const texts = TEXTS.map((name) => toBounded(event[name], MAX_LENGTHS[name]));
  const [RequestId, StackId, LogicalResourceId, ResponseURL] = texts;
  if (RequestId === undefined || StackId === undefined) return undefined;
  if (LogicalResourceId === undefined || ResponseURL === undefined) return undefined;
  const { ResourceProperties, OldResourceProperties } = event;
  return {
    RequestType: toBounded(event["RequestType"], 64) ?? "",
    RequestId,
    StackId,
    LogicalResourceId,
    ResponseURL,
    ResourceProperties,
    ...defined({ PhysicalResourceId: toBounded(event["PhysicalResourceId"], MAX_PHYSICAL_ID), OldResourceProperties }),
  };
}

/** Returns true for an event of CloudFormation, complete or not. */
export function isCloudFormationEvent(event: unknown): boolean {
  return isMap(event) && ("ResponseURL" in event || "RequestType" in event);
}

function toBounded(value: unknown, maxLength: number): string | undefined {
  return typeof value === "string" && value !== "" && value.length <= maxLength ? value : undefined;
}
