import { Readable } from "node:stream";
import type { NormalizedSchema } from "@smithy/core/schema";
import { defined } from "@stackyard/core";
import type { AwsSim } from "../aws-sim.ts";
import type { Answer, DoorRequest, HttpAnswer } from "./front-door.ts";
import { escapeText, loadSchemas, readFault, type ServiceSchemas } from "./query-protocol.ts";

/**
 * Serves S3 of a simulation over HTTP: for clients that put the bucket into the path, and for presigned URLs, of which
 * the host's name is what the `Host` header says. Bodies of answers are streamed. Source of the form: Smithy, "AWS
 * restXml protocol"; S3 API reference, "REST Error Responses".
 */
export function answerS3(sim: Pick<AwsSim, "serve" | "fetch">): Answer {
  return async (request) => {
    if (isPresigned(request)) return answerPresigned(sim, request);
    const { region, accessKeyId, sessionToken } = request;
    const schemas = await loadSchemas("S3");
    const operation = toS3Operation(request);
    const { input: shape, output: answered } = schemas.findOperation(operation) ?? {};
    const input = shape === undefined ? {} : readRestInput(shape, request, schemas);
    try {
      const output = await sim.serve({ service: "S3", operation, input, region, accessKeyId, sessionToken });
      const content = answered === undefined ? {} : toContent(answered, Object(output), schemas);
      return toAnswer(operation, answered, Object(output), content);
    } catch (error) {
      return toError(error, request.method);
    }
  };
}

function isPresigned({ path, headers }: DoorRequest): boolean {
  return headers.authorization === undefined && path.includes("X-Amz-Signature=");
}

/** Answers a presigned request. A URL of AWS is always https; one of this machine is signed with its port. */
async function answerPresigned(sim: Pick<AwsSim, "fetch">, request: DoorRequest): Promise<HttpAnswer> {
  const { method, path, headers } = request;
  const host = String(headers["host"]);
  const url = `${host.includes(":") ? "http" : "https"}://${host}${path}`;
  const { range: Range, "if-match": IfMatch, "if-none-match": IfNoneMatch } = headers;
  const conditions = { Range, "If-Match": IfMatch, "If-None-Match": IfNoneMatch };
  const sent = Object.entries(conditions).filter((each): each is [string, string] => typeof each[1] === "string");
  const answer = await sim.fetch(url, {
    method: method === "HEAD" || method === "PUT" ? method : "GET",
    headers: Object.fromEntries(sent),
    ...(method === "PUT" ? { body: request.body } : {}),
  });
  return {
    status: answer.status,
    headers: Object.fromEntries(answer.headers),
    body: Buffer.alloc(0),
    ...(answer.body === null ? {} : { stream: Readable.fromWeb(answer.body) }),
  };
}

function toAnswer(
  operation: string,
  schema: NormalizedSchema | undefined,
  output: Readonly<Record<string, unknown>>,
  { xml = "", stream }: Content,
): HttpAnswer {
  const headers: Record<string, string> = {};
  for (const [name, member] of schema?.structIterator() ?? []) Object.assign(headers, toHeaders(member, output[name]));
  const status = headers["content-range"] === undefined ? STATUSES[operation] : 206;
  if (xml !== "") headers["content-type"] = "application/xml";
  return defined({ status: status ?? 200, headers, body: Buffer.from(xml), stream });
}

interface Content {
  readonly xml?: string;
  readonly stream?: Readable;
}

/**
 * Returns the body: a payload of bytes is streamed; a structure is XML; without a payload all that is not bound
 * elsewhere is.
 */
function toContent(
  schema: NormalizedSchema,
  output: Readonly<Record<string, unknown>>,
  { toXml }: Pick<ServiceSchemas, "toXml">,
): Content {
  for (const [name, member] of schema.structIterator()) {
    if (member.getMergedTraits().httpPayload === undefined) continue;
    const value = output[name];
    if (value instanceof Readable) return { stream: value };
    if (typeof value === "string") return { xml: value };
    if (value === undefined || !member.isStructSchema()) return {};
    const tag = member.getMergedTraits().xmlName ?? name;
    return { xml: `<${tag}>${toXml(member, value)}</${tag}>` };
  }
  const tag = schema.getMergedTraits().xmlName;
  return tag === undefined ? {} : { xml: `<${tag}>${toXml(schema, toBody(schema, output))}</${tag}>` };
}

/** Fields that are sent in headers are not repeated in the body. */
function toBody(
  schema: NormalizedSchema,
  output: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const unbound = [...schema.structIterator()].filter(([, member]) => {
    const { httpHeader, httpPrefixHeaders } = member.getMergedTraits();
    return httpHeader === undefined && httpPrefixHeaders === undefined;
  });
  return Object.fromEntries(unbound.map(([name]) => [name, output[name]]));
}

/** The API reference, each: "HTTP/1.1 204". */
const STATUSES: Readonly<Record<string, number>> = {
  DeleteObject: 204,
  DeleteBucket: 204,
  AbortMultipartUpload: 204,
  PutBucketPolicy: 204,
  PutBucketTagging: 204,
};

function toHeaders(member: NormalizedSchema, value: unknown): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {};
  const { httpHeader, httpPrefixHeaders } = member.getMergedTraits();
  if (typeof httpPrefixHeaders === "string") {
    return Object.fromEntries(
      Object.entries(value).map(([name, text]) => [`${httpPrefixHeaders}${name}`, String(text)]),
    );
  }
  if (typeof httpHeader !== "string") return {};
  return { [httpHeader.toLowerCase()]: value instanceof Date ? value.toUTCString() : String(value) };
}

/** Returns an error. A response to HEAD, and "not modified", have no body. */
function toError(error: unknown, method: string): HttpAnswer {
  const { name, message, status } = readFault(error);
  const xml = `<Error><Code>${name}</Code><Message>${escapeText(message)}</Message><RequestId>1</RequestId></Error>`;
  const isBare = method === "HEAD" || status === 304;
  return { status, headers: { "content-type": "application/xml" }, body: Buffer.from(isBare ? "" : xml) };
}

/** Requests of a bucket by query parameter; the first match counts. The empty name always matches. */
const BUCKET: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  GET: [
    ["list-type", "ListObjectsV2"],
    ["versions", "ListObjectVersions"],
    ["uploads", "ListMultipartUploads"],
    ["location", "GetBucketLocation"],
  ],
  HEAD: [["", "HeadBucket"]],
  PUT: [],
  POST: [["delete", "DeleteObjects"]],
  DELETE: [["", "DeleteBucket"]],
};

const SETTINGS = [
  ["publicAccessBlock", "PublicAccessBlock"],
  ["ownershipControls", "BucketOwnershipControls"],
  ["versioning", "BucketVersioning"],
  ["policy", "BucketPolicy"],
  ["policyStatus", "BucketPolicyStatus"],
  ["acl", "BucketAcl"],
  ["encryption", "BucketEncryption"],
  ["lifecycle", "BucketLifecycleConfiguration"],
  ["tagging", "BucketTagging"],
  ["notification", "BucketNotificationConfiguration"],
] as const;

const OBJECT: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  GET: [
    ["uploadId", "ListParts"],
    ["", "GetObject"],
  ],
  HEAD: [["", "HeadObject"]],
  PUT: [
    ["partNumber", "UploadPart"],
    ["", "PutObject"],
  ],
  POST: [
    ["uploads", "CreateMultipartUpload"],
    ["uploadId", "CompleteMultipartUpload"],
  ],
  DELETE: [
    ["uploadId", "AbortMultipartUpload"],
    ["", "DeleteObject"],
  ],
};

/** Returns the operation by method and path, path style (S3 API reference, request syntax of each operation). */
function toS3Operation({ method, path }: Pick<DoorRequest, "method" | "path">): string {
  const url = new URL(path, "http://s3");
  const [bucket = "", key = ""] = url.pathname.slice(1).split(/\/(.*)/s);
  const has = ([name]: readonly [string, string]): boolean => name === "" || url.searchParams.has(name);
  if (bucket === "") return `${method} /`;
  if (key !== "") return OBJECT[method]?.find(has)?.[1] ?? `${method} Object`;
  const setting = SETTINGS.find(has)?.[1];
  if (setting !== undefined) return `${method === "PUT" ? "Put" : "Get"}${setting}`;
  return BUCKET[method]?.find(has)?.[1] ?? (method === "PUT" ? "CreateBucket" : `${method} Bucket`);
}

/**
 * Returns the input of an operation that is bound to path, query, headers and body. Source: Smithy, "HTTP binding
 * traits" and "AWS restXml protocol".
 */
export function readRestInput(
  schema: NormalizedSchema,
  request: Pick<DoorRequest, "path" | "headers" | "body">,
  { readXml }: Pick<ServiceSchemas, "readXml">,
): Readonly<Record<string, unknown>> {
  const url = new URL(request.path, "http://s3");
  const [bucket = "", ...key] = url.pathname.slice(1).split("/").map(decodeURIComponent);
  const labels: Readonly<Record<string, string>> = {
    Bucket: bucket,
    ...(key.length === 0 ? {} : { Key: key.join("/") }),
  };
  const input: Record<string, unknown> = {};
  const { body, trailers } = unchunk(request.headers, request.body);
  const headers = { ...request.headers, ...trailers };
  for (const [name, member] of schema.structIterator()) {
    const value = readMember(member, { label: labels[name], query: url.searchParams, headers, body, readXml });
    if (value !== undefined) input[name] = value;
  }
  return input;
}

interface Source extends Pick<ServiceSchemas, "readXml"> {
  readonly label: string | undefined;
  readonly query: URLSearchParams;
  readonly headers: DoorRequest["headers"];
  readonly body: Buffer;
}

function readMember(member: NormalizedSchema, { label, query, headers, body, readXml }: Source): unknown {
  const { httpHeader, httpQuery, httpPayload, httpPrefixHeaders } = member.getMergedTraits();
  if (typeof httpHeader === "string") return toValue(member, headers[httpHeader.toLowerCase()]);
  if (typeof httpQuery === "string") return toValue(member, query.get(httpQuery) ?? undefined);
  if (typeof httpPrefixHeaders === "string") return readPrefixed(headers, httpPrefixHeaders);
  if (httpPayload === undefined) return label;
  // A payload: a structure is XML, texts and bytes are unchanged.
  if (member.isStructSchema()) return body.length === 0 ? undefined : readXml(member, body.toString());
  return member.isStringSchema() ? body.toString() : body;
}

function toValue(member: NormalizedSchema, text: string | string[] | undefined): unknown {
  if (typeof text !== "string") return;
  if (member.isBooleanSchema()) return text === "true";
  if (member.isNumericSchema()) return Number(text);
  return member.isTimestampSchema() ? new Date(text) : text;
}

function readPrefixed(headers: DoorRequest["headers"], prefix: string): Readonly<Record<string, unknown>> {
  const found = Object.entries(headers).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(found.map(([name, value]) => [name.slice(prefix.length), value]));
}

/**
 * Streams are sent in chunks with their lengths, and checksums behind the last one (S3 API reference, "Transferring payload in
 * multiple chunks", with trailing headers).
 */
function unchunk(
  headers: DoorRequest["headers"],
  body: Buffer,
): { readonly body: Buffer; readonly trailers: Readonly<Record<string, string>> } {
  if (!String(headers["content-encoding"] ?? "").includes("aws-chunked")) return { body, trailers: {} };
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = body.indexOf("\r\n", at);
    const length = Number.parseInt(body.toString("latin1", at, end), 16);
    if (!(length > 0)) return { body: Buffer.concat(chunks), trailers: readTrailers(body.toString("latin1", end + 2)) };
    chunks.push(body.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
}

function readTrailers(text: string): Readonly<Record<string, string>> {
  const lines = text.split(/\r?\n/).map((line) => /^([\w-]+):\s*(.*?)\s*$/.exec(line));
  return Object.fromEntries(lines.flatMap((found) => (found === null ? [] : [[String(found[1]), String(found[2])]])));
}
