import { Readable } from "node:stream";
import type { NormalizedSchema } from "@smithy/core/schema";
import type { AwsSim } from "../aws-sim.ts";
import type { DoorRequest } from "./door-request.ts";
import type { Answer, HttpAnswer } from "./front-door.ts";
import { readFault } from "./read-fault.ts";
import { readRestInput } from "./read-rest-input.ts";
import { toS3Operation } from "./s3-operation.ts";
import { loadSchemas } from "./service-schemas.ts";
import { escapeText, toXml } from "./to-xml.ts";

/**
 * S3 of a simulation over HTTP: for clients that write the bucket into the path, and for presigned URLs, of which the host's
 * name is what the `Host` header says. Bodies of answers are streamed. Source of the form: Smithy, "AWS restXml protocol"; S3 API
 * reference, "REST Error Responses".
 */
export function answerS3(sim: Pick<AwsSim, "serve" | "fetch">): Answer {
  return async (request) => {
    if (isPresigned(request)) return answerPresigned(sim, request);
    const { region, accessKeyId, sessionToken } = request;
    const { findOperation } = await loadSchemas("S3");
    const operation = toS3Operation(request);
    const { input: shape, output: answered } = findOperation(operation) ?? {};
    const input = shape === undefined ? {} : readRestInput(shape, request);
    try {
      const output = await sim.serve({ service: "S3", operation, input, region, accessKeyId, sessionToken });
      return toAnswer(operation, answered, Object(output));
    } catch (error) {
      return toError(error, request.method);
    }
  };
}

function isPresigned({ path, headers }: DoorRequest): boolean {
  return headers.authorization === undefined && path.includes("X-Amz-Signature=");
}

/** A URL of AWS is always one of https; one of this machine is signed with its port. */
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
): HttpAnswer {
  const headers: Record<string, string> = {};
  for (const [name, member] of schema?.structIterator() ?? []) Object.assign(headers, toHeaders(member, output[name]));
  const status = headers["content-range"] === undefined ? STATUSES[operation] : 206;
  const content = schema === undefined ? {} : toContent(schema, output);
  const { xml = "", stream } = content;
  if (xml !== "") headers["content-type"] = "application/xml";
  return { status: status ?? 200, headers, body: Buffer.from(xml), ...(stream === undefined ? {} : { stream }) };
}

interface Content {
  readonly xml?: string;
  readonly stream?: Readable;
}

/** A payload of bytes is streamed; a structure is XML; without a payload all that is not bound elsewhere is. */
function toContent(schema: NormalizedSchema, output: Readonly<Record<string, unknown>>): Content {
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

/** What stands in headers does not stand in the body too. */
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

/** An answer to HEAD and one that says "not modified" have no body. */
function toError(error: unknown, method: string): HttpAnswer {
  const { name, message, status } = readFault(error);
  const xml = `<Error><Code>${name}</Code><Message>${escapeText(message)}</Message><RequestId>1</RequestId></Error>`;
  const isBare = method === "HEAD" || status === 304;
  return { status, headers: { "content-type": "application/xml" }, body: Buffer.from(isBare ? "" : xml) };
}
