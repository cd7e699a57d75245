import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createKeptObjects, type KeptObjects } from "./kept-objects.ts";
import { createLink } from "./link.ts";
import { parseS3Call, type S3Call } from "./s3-call.ts";
import { readSynthetic } from "./synthetic-bytes.ts";

/** How it serves. */
export interface SyntheticS3Options {
  /** What comes in is taken at this rate, of all connections together. Default: as fast as it can be. */
  readonly mibPerSecond?: number;
}

/** The bucket whose files are made while they are read. */
export const SYNTHETIC_BUCKET = "dist-bucket";

/** The key of a file of so many bytes. */
export function toSyntheticKey(bytes: number): string {
  return `bench/1.0.0/${bytes}.bin`;
}

/**
 * An S3 of which large files need no memory: those of the source are made while they are read, `<bytes>.bin`, and what is
 * uploaded under such a name is counted and dropped. Anything else is small and kept. Who asks is not checked.
 */
export function createSyntheticS3({ mibPerSecond }: SyntheticS3Options = {}) {
  const link = createLink(mibPerSecond);
  const kept = createKeptObjects();
  return createServer(async (request, response) => {
    const call = parseS3Call({ method: request.method ?? "", path: request.url ?? "/", headers: request.headers });
    try {
      if (call.kind === "get" || call.kind === "head") await send(call, kept, response);
      else await take(call, request, response, { kept, link });
    } catch {
      // The client has disconnected.
      response.destroy();
    }
  });
}

async function send(call: S3Call, kept: KeptObjects, response: ServerResponse): Promise<void> {
  const size = findSyntheticSize(call);
  if (size === undefined) return kept.send(call, response);
  const { from, to } = call.range ?? { from: 0, to: size - 1 };
  const headers = { "Content-Length": to - from + 1, ETag: `"${size}"`, "Accept-Ranges": "bytes" };
  const range = call.range && { "Content-Range": `bytes ${from}-${to}/${size}` };
  const lastModified = "Fri, 20 Nov 2026 06:00:00 GMT";
  response.writeHead(call.range ? 206 : 200, { ...headers, ...range, "Last-Modified": lastModified });
  if (call.kind === "head") return void response.end();
  await pipeline(Readable.from(readSynthetic(from, to), { objectMode: false, highWaterMark: 1_048_576 }), response);
}

function findSyntheticSize({ bucket, key }: S3Call): number | undefined {
  const [, size] = /\/(\d{1,15})\.bin$/.exec(key) ?? [];
  return bucket === SYNTHETIC_BUCKET && size !== undefined ? Number(size) : undefined;
}

async function take(
  call: S3Call,
  request: IncomingMessage,
  response: ServerResponse,
  { kept, link }: { readonly kept: KeptObjects; readonly link: (bytes: number) => Promise<void> },
): Promise<void> {
  const isDropped = call.key.endsWith(".bin");
  if (!isDropped) return kept.take(call, request, response);
  for await (const chunk of request) await link(chunk.length);
  response.setHeader("ETag", `"${"a".repeat(32)}"`);
  response.end(toAnswer(call));
}

function toAnswer({ kind }: S3Call): string {
  if (kind === "begin") return "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>";
  if (kind !== "complete") return "";
  return `<CompleteMultipartUploadResult><ETag>"${"a".repeat(32)}-1"</ETag></CompleteMultipartUploadResult>`;
}
