import { createHash, createHmac } from "node:crypto";
import { Readable } from "node:stream";
import { defined } from "@stackyard/core";
import { escapeText } from "../http/query-protocol.ts";
import type { Identities } from "../identities.ts";
import type { SimRequest } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";
import { s3Faults } from "./buckets.ts";

/** What a presigned URL says. */
interface PresignedUrl {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string | undefined;
  readonly region: string;
  readonly accessKeyId: string;
  readonly sessionToken: string | undefined;
  readonly signedAt: number;
  readonly expiresSeconds: number;
  readonly signature: string;
  /** What the holder of the key has signed. */
  readonly stringToSign: string;
  readonly scope: string;
}

/** S3 API reference, "Authenticating Requests: Using Query Parameters": at most a week. */
const MAX_EXPIRES = 604_800;
const HOST = /^(?:(?<bucket>.+)\.)?s3[.-](?<region>[a-z0-9-]+)\.amazonaws\.com$/;
const SCOPE = /^([^/]+)\/(\d{8}\/([^/]+)\/s3\/aws4_request)$/;

/**
 * Reads a URL of the SDK's presigner, virtual-hosted or path style. Throws as S3 answers: `AuthorizationQueryParametersError`
 * for other URLs. Only `host` may be a signed header.
 */
function parsePresignedUrl(method: string, text: string): PresignedUrl {
  const url = new URL(text);
  const read = (name: string): string => url.searchParams.get(`X-Amz-${name}`) ?? "";
  const [, accessKeyId, scope, region] = SCOPE.exec(read("Credential")) ?? [];
  const expiresSeconds = Number(read("Expires"));
  if (accessKeyId === undefined || scope === undefined || region === undefined || read("SignedHeaders") !== "host") {
    throw malformed("Error parsing the X-Amz-Credential parameter");
  }
  if (!(expiresSeconds >= 1 && expiresSeconds <= MAX_EXPIRES)) {
    throw malformed(
      "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
    );
  }
  const path = decodeURIComponent(url.pathname).slice(1);
  const hosted = HOST.exec(url.hostname)?.groups?.["bucket"];
  const [bucket = "", ...rest] = hosted === undefined ? path.split("/") : [hosted, path];
  return {
    bucket,
    key: rest.join("/"),
    region,
    accessKeyId,
    expiresSeconds,
    scope,
    versionId: url.searchParams.get("versionId") ?? undefined,
    sessionToken: url.searchParams.get("X-Amz-Security-Token") ?? undefined,
    signedAt: parseDate(read("Date")),
    signature: read("Signature"),
    stringToSign: toStringToSign(method, url, scope),
  };
}

/** Returns true for the signature of the secret's owner (the same page, "Calculating a Signature"). */
function isSignedWith(secretAccessKey: string, { scope, stringToSign, signature }: PresignedUrl): boolean {
  let key: Buffer = Buffer.from(`AWS4${secretAccessKey}`);
  for (const part of scope.split("/")) key = hmac(key, part);
  return hmac(key, stringToSign).toString("hex") === signature;
}

function toStringToSign(method: string, url: URL, scope: string): string {
  const query = url.search
    .slice(1)
    .split("&")
    .filter((part) => !part.startsWith("X-Amz-Signature="))
    .sort()
    .join("&");
  const canonical = [method, url.pathname, query, `host:${url.host}`, "", "host", "UNSIGNED-PAYLOAD"].join("\n");
  const hash = createHash("sha256").update(canonical).digest("hex");
  return ["AWS4-HMAC-SHA256", url.searchParams.get("X-Amz-Date"), scope, hash].join("\n");
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function parseDate(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}

function malformed(message: string): SimFault {
  return new SimFault("AuthorizationQueryParametersError", 400, message);
}

/** The part of the simulation that answers. */
interface Answerer {
  readonly iam: Pick<Identities, "findSecret">;
  serve(request: SimRequest): Promise<unknown>;
}

/** The supported arguments of `fetch`. */
export interface PresignedRequest {
  readonly method?: "GET" | "HEAD" | "PUT";
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

const OPERATIONS = { GET: "GetObject", HEAD: "HeadObject", PUT: "PutObject" } as const;

/**
 * Creates a `fetch` for presigned URLs of the simulation's buckets. A URL is valid until its own end, and never longer
 * than the credentials that signed it, whose permissions count at the time of use (S3 guide, "Sharing objects with
 * presigned URLs").
 */
export async function fetchPresigned(
  sim: Answerer,
  now: () => number,
  url: string,
  { method = "GET", body, headers = {} }: PresignedRequest = {},
): Promise<Response> {
  try {
    const presigned = parsePresignedUrl(method, url);
    checkSignature(sim, presigned, now());
    const { bucket, key, region, accessKeyId, sessionToken, versionId } = presigned;
    const given = defined({ VersionId: versionId, Body: body });
    const input = { Bucket: bucket, Key: key, ...given, ...toConditions(headers) };
    const request = { service: "S3", operation: OPERATIONS[method], input, region, accessKeyId, sessionToken };
    return withDate(toResponse(Object(await sim.serve(request))), now());
  } catch (error) {
    if (error instanceof SimFault) return withDate(toErrorResponse(error), now());
    throw error;
  }
}

/** Adds S3's time ("Common response headers", Date), so a rejected caller can find out whose clock is wrong. */
function withDate(response: Response, now: number): Response {
  response.headers.set("date", new Date(now).toUTCString());
  return response;
}

function checkSignature(sim: Answerer, presigned: PresignedUrl, now: number): void {
  const secret = sim.iam.findSecret(presigned.accessKeyId);
  // An unknown key is answered by the service itself.
  if (secret !== undefined && !isSignedWith(secret, presigned)) throw s3Faults.wrongSignature(presigned);
  const expiresAt = presigned.signedAt + presigned.expiresSeconds * 1_000;
  if (now >= expiresAt) throw s3Faults.urlExpired({ expiresSeconds: presigned.expiresSeconds, expiresAt, now });
}

function toConditions(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { Range, "If-Match": IfMatch, "If-None-Match": IfNoneMatch } = headers;
  return { ...defined({ Range, IfMatch, IfNoneMatch }) };
}

/** Returns a response with a streamed body, like on the wire. */
function toResponse(output: Readonly<Record<string, unknown>>): Response {
  const body = output["Body"];
  const headers = Object.entries(HEADERS).flatMap(([header, field]): [string, string][] => {
    const value = output[field];
    return value === undefined ? [] : [[header, value instanceof Date ? value.toUTCString() : String(value)]];
  });
  const metadata = Object.entries(Object(output["Metadata"])).map(([name, text]): [string, string] => {
    return [`x-amz-meta-${name}`, String(text)];
  });
  const stream = body instanceof Readable && output["ContentLength"] !== 0 ? toWebStream(body) : null;
  const status = output["ContentRange"] === undefined ? 200 : 206;
  return new Response(stream, { status, headers: [...headers, ...metadata] });
}

function toWebStream(body: Readable): ReadableStream<Uint8Array<ArrayBuffer>> {
  return Readable.toWeb(body) as ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** Headers of an answer by the field of the SDK's output. */
const HEADERS = {
  etag: "ETag",
  "content-length": "ContentLength",
  "content-range": "ContentRange",
  "accept-ranges": "AcceptRanges",
  "content-type": "ContentType",
  "last-modified": "LastModified",
  "x-amz-version-id": "VersionId",
};

function toErrorResponse(fault: SimFault): Response {
  const status = fault.$metadata.httpStatusCode;
  return new Response(status === 304 ? null : toErrorXml(fault), {
    status,
    headers: { "content-type": "application/xml" },
  });
}

/** Returns an error in the format of S3, with its additional fields (API reference, "REST Error Responses"). */
function toErrorXml({ name: Code, message: Message, $fault: _, $metadata: __, ...fields }: SimFault): string {
  const told = { Code, Message, ...fields, RequestId: "4442587FB7D0A2F9", HostId: "host" };
  const elements = Object.entries(told).map(([tag, value]) => `<${tag}>${escapeText(String(value))}</${tag}>`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${elements.join("")}</Error>`;
}
