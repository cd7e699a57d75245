import type { NormalizedSchema } from "@smithy/core/schema";
import type { DoorRequest } from "./door-request.ts";
import { readXml } from "./read-xml.ts";

/**
 * The input of an operation that is bound to path, query, headers and body. Source: Smithy, "HTTP binding traits" and "AWS
 * restXml protocol".
 */
export function readRestInput(
  schema: NormalizedSchema,
  request: Pick<DoorRequest, "path" | "headers" | "body">,
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
    const value = readMember(member, { label: labels[name], query: url.searchParams, headers, body });
    if (value !== undefined) input[name] = value;
  }
  return input;
}

interface Source {
  readonly label: string | undefined;
  readonly query: URLSearchParams;
  readonly headers: DoorRequest["headers"];
  readonly body: Buffer;
}

function readMember(member: NormalizedSchema, { label, query, headers, body }: Source): unknown {
  const { httpHeader, httpQuery, httpPayload, httpPrefixHeaders } = member.getMergedTraits();
  if (typeof httpHeader === "string") return toValue(member, headers[httpHeader.toLowerCase()]);
  if (typeof httpQuery === "string") return toValue(member, query.get(httpQuery) ?? undefined);
  if (typeof httpPrefixHeaders === "string") return readPrefixed(headers, httpPrefixHeaders);
  if (httpPayload !== undefined) return readPayload(member, body);
  return label;
}

/** A structure is sent as XML, a text and bytes as they are. */
function readPayload(member: NormalizedSchema, body: Buffer): unknown {
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
