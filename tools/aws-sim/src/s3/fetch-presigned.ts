import { Readable } from "node:stream";
import type { Identities } from "../identities.ts";
import type { SimRequest } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";
import { isSignedWith, type PresignedUrl, parsePresignedUrl } from "./presigned-url.ts";
import { s3Faults } from "./s3-faults.ts";
import { toErrorXml } from "./to-error-xml.ts";

/** The part of the simulation that answers. */
interface Answerer {
  readonly iam: Pick<Identities, "findSecret">;
  serve(request: SimRequest): Promise<unknown>;
}

/** What `fetch` takes, as far as it is served. */
export interface PresignedRequest {
  readonly method?: "GET" | "HEAD" | "PUT";
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

const OPERATIONS = { GET: "GetObject", HEAD: "HeadObject", PUT: "PutObject" } as const;

/**
 * `fetch` for presigned URLs of the simulation's buckets. A URL is good until its own end, and never longer than the
 * credentials that signed it, whose permissions count at the time of use (S3 guide, "Sharing objects with presigned URLs").
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
    const version = versionId === undefined ? {} : { VersionId: versionId };
    const sent = { ...toConditions(headers), ...(body === undefined ? {} : { Body: body }) };
    const input = { Bucket: bucket, Key: key, ...version, ...sent };
    const request = { service: "S3", operation: OPERATIONS[method], input, region, accessKeyId, sessionToken };
    return withDate(toResponse(Object(await sim.serve(request))), now());
  } catch (error) {
    if (error instanceof SimFault) return withDate(toErrorResponse(error), now());
    throw error;
  }
}

/** S3 says what time it is ("Common response headers", Date): who is refused can tell whose clock is wrong. */
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
  return Object.fromEntries(
    Object.entries({ Range, IfMatch, IfNoneMatch }).filter(([, value]) => value !== undefined),
  ) as never;
}

/** The body is streamed, as it is on the wire. */
function toResponse(output: Readonly<Record<string, unknown>>): Response {
  const body = output["Body"];
  const headers = Object.entries(HEADERS).flatMap(([header, field]): [string, string][] => {
    const value = output[field];
    return value === undefined ? [] : [[header, value instanceof Date ? value.toUTCString() : String(value)]];
  });
  const metadata = Object.entries(Object(output["Metadata"])).map(([name, text]): [string, string] => [
    ...([`x-amz-meta-${name}`, String(text)] as const),
  ]);
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
