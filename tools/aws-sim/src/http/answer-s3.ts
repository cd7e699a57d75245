import type { NormalizedSchema } from "@smithy/core/schema";
import type { AwsSim } from "../aws-sim.ts";
import { readBody } from "../s3/read-body.ts";
import type { DoorRequest } from "./door-request.ts";
import type { Answer, HttpAnswer } from "./front-door.ts";
import { readFault } from "./read-fault.ts";
import { readRestInput } from "./read-rest-input.ts";
import { loadSchemas } from "./service-schemas.ts";
import { escapeText, toXml } from "./to-xml.ts";

/**
 * S3 of a simulation over HTTP, for clients that write the bucket into the path: objects with conditional writes and dates by
 * the simulation's clock. Source of the form: Smithy, "AWS restXml protocol"; S3 API reference, "REST Error Responses".
 */
export function answerS3(sim: Pick<AwsSim, "serve">): Answer {
  return async (request) => {
    const { region, accessKeyId, sessionToken } = request;
    const { findOperation } = await loadSchemas("S3");
    const operation = toOperation(request);
    const { input: shape, output: answered } = findOperation(operation) ?? {};
    const input = shape === undefined ? {} : readRestInput(shape, request);
    try {
      const output = await sim.serve({ service: "S3", operation, input, region, accessKeyId, sessionToken });
      return await toAnswer(operation, answered, Object(output));
    } catch (error) {
      return toError(error, request.method);
    }
  };
}

/** What stands in method and path (S3 API reference, request syntax of each operation). */
function toOperation({ method, path, operation }: DoorRequest): string {
  const isBucket = /^\/[^/]+\/?(\?|$)/.test(path);
  if (!isBucket) return operation;
  if (method === "GET" && path.includes("list-type=2")) return "ListObjectsV2";
  return `${operation.replace("Object", "")}Bucket`;
}

async function toAnswer(
  operation: string,
  schema: NormalizedSchema | undefined,
  output: Readonly<Record<string, unknown>>,
): Promise<HttpAnswer> {
  const headers: Record<string, string> = {};
  let body: Buffer = Buffer.alloc(0);
  for (const [name, member] of schema?.structIterator() ?? []) {
    const { httpPayload } = member.getMergedTraits();
    if (httpPayload !== undefined) body = await readBody(output[name]);
    else Object.assign(headers, toHeaders(member, output[name]));
  }
  if (operation === "ListObjectsV2" && schema !== undefined) {
    headers["content-type"] = "application/xml";
    body = Buffer.from(`<ListBucketResult>${toXml(schema, output)}</ListBucketResult>`);
  }
  const status = headers["content-range"] === undefined ? STATUSES[operation] : 206;
  return { status: status ?? 200, headers, body };
}

/** The API reference, DeleteObject: "HTTP/1.1 204". */
const STATUSES: Readonly<Record<string, number>> = { DeleteObject: 204 };

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
