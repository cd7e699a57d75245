import { createHash } from "node:crypto";
import { addAbortSignal, Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { GetObjectCommand, type GetObjectCommandOutput, type S3Client } from "@aws-sdk/client-s3";
import { asProbe, findAwsFault } from "@stackyard/aws";
import { defined, StackyardError } from "@stackyard/core";
import type { UrlFault } from "../evaluate-url.ts";
import type { ArtifactMessage } from "../messages.ts";
import { type ByteRange, readWithin, type SourceContent, type SourceFetch } from "./source-fetch.ts";

/** A file of the source bucket, as named in a message. */
export interface SourceFile {
  readonly key: string;
  readonly url?: string;
  readonly versionId?: string;
  /** Default: the whole file. */
  readonly range?: ByteRange;
  readonly signal: AbortSignal;
}

/** A file whose download has started. Reading its body throws a `CopyStop`. */
export type OpenedFile = Omit<SourceContent, "kind">;

/** Opens files of the source bucket. Throws a `CopyStop`. */
export type ArtifactSource = (file: SourceFile) => Promise<OpenedFile>;

/** The source bucket, read with the consumer's role. */
interface IdentitySourceInput {
  /** In the source's region. */
  readonly client: S3Client;
  readonly bucket: string;
  /** The account that must own the bucket. */
  readonly account?: string;
  /** True if a denial is an answer, because there is another source. */
  readonly isProbe?: boolean;
}

const IDLE_MS = 30_000;

/** Reads files with the consumer's own role: no URL expires, and no secret is sent. */
export function createIdentitySource({
  client,
  bucket,
  account,
  isProbe = false,
}: IdentitySourceInput): ArtifactSource {
  return async (file) => {
    const command = new GetObjectCommand({
      Bucket: bucket,
      Key: file.key,
      ...defined({ ExpectedBucketOwner: account, VersionId: file.versionId }),
      ...(file.range && { Range: `bytes=${file.range.from}-${file.range.to}` }),
    });
    try {
      const sent = isProbe ? asProbe(command) : command;
      return toOpened(await client.send(sent, { abortSignal: file.signal }), file.signal);
    } catch (error) {
      throw toSourceStop(error);
    }
  };
}

/** Reads with the role. After the first access denied error it uses the URL. */
export function createAutoSource(identity: ArtifactSource, presigned: ArtifactSource): ArtifactSource {
  let denied = false;
  return async (file: SourceFile) => {
    if (denied && file.url !== undefined) return presigned(file);
    try {
      return await identity(file);
    } catch (error) {
      if (!isDenied(error) || file.url === undefined) throw error;
      denied = true;
      return presigned(file);
    }
  };
}

function isDenied(error: unknown): boolean {
  return error instanceof CopyStop && error.fault.kind === "counted" && error.fault.code === "SOURCE_DENIED";
}

function toOpened({ Body, ContentLength, ContentRange }: GetObjectCommandOutput, signal: AbortSignal): OpenedFile {
  if (!(Body instanceof Readable)) throw toUnavailable("The source sent no bytes.");
  // The SDK observes the signal only until the response starts.
  addAbortSignal(signal, Body);
  // A body that is aborted before it is read must not raise an unhandled error.
  Body.on("error", () => undefined);
  const [, from, to, size] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(ContentRange ?? "") ?? [];
  const range = { from: Number(from), to: Number(to), size: Number(size) };
  return {
    ...defined({ length: ContentLength }),
    ...(from !== undefined && { range }),
    body: guard(readWithin(Body, IDLE_MS)),
    cancel: () => void Body.destroy(),
  };
}

function toSourceStop(error: unknown): unknown {
  const status = readStatus(error);
  const { name, answer } = findAwsFault(error);
  if (status === undefined || answer === "passing") return toUnavailable("The source bucket does not answer.");
  const fault = classifyAnswer({ status, ...defined({ code: name }) });
  // The SDK renews the role's credentials, so a new URL does not help.
  if (fault?.kind === "expired") return toUnavailable("The credentials have expired.");
  return fault === undefined ? error : new CopyStop(fault);
}

function readStatus(error: unknown): number | undefined {
  const status: unknown = Object(Object(error).$metadata).httpStatusCode;
  return typeof status === "number" ? status : undefined;
}

/** Reads files by presigned URLs. */
export function createPresignedSource(fetch: SourceFetch): ArtifactSource {
  return async ({ key, url, range, signal }) => {
    if (url === undefined) {
      throw new CopyStop({ kind: "counted", code: "SOURCE_DENIED", reason: "The message contains no URL." });
    }
    const answer = await fetch({ url, key, signal, ...(range && { range }) });
    switch (answer.kind) {
      case "content":
        return { ...answer, body: guard(answer.body) };
      case "refused": {
        const fault = classifyAnswer(answer);
        throw fault === undefined ? toUnavailable(`The source answered ${answer.status}.`) : new CopyStop(fault);
      }
      case "forbidden":
        throw new CopyStop({ kind: "refused", code: answer.code, reason: answer.reason });
      case "redirected":
        throw new CopyStop({ kind: "refused", code: "URL_REDIRECT", reason: "The source leads elsewhere." });
      case "unreachable":
        throw toUnavailable(answer.reason);
    }
  };
}

/** Passes the bytes on and turns stream errors into retryable faults. */
async function* guard(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch {
    throw toUnavailable("The source broke off.");
  }
}

/** Returns a retryable fault of the source. */
function toUnavailable(reason: string): CopyStop {
  return new CopyStop({ kind: "passing", code: "SOURCE_UNAVAILABLE", reason });
}

/** The parts of a source's response that decide what it means. */
export interface SourceReply {
  readonly status: number;
  readonly code?: string;
  readonly message?: string;
  /** Difference between the source's clock and ours, when the response has a date. */
  readonly clockAheadMs?: number;
}

/** Source: Amazon S3 API reference, "Error responses"; S3 answers ExpiredToken with 400, its documentation of 2019 with 403. */
const EXPIRED = new Set(["ExpiredToken", "TokenRefreshRequired", "RequestExpired"]);
/** Within this difference our clock is right, so the signer's clock is wrong. S3 itself allows 15 minutes. */
const SAME_CLOCK_MS = 5 * 60_000;

/** Returns the fault that a response represents, or undefined when it contains the file. */
export function classifyAnswer({ status, code = "", message = "", clockAheadMs }: SourceReply): CopyFault | undefined {
  if (status === 200 || status === 206) return undefined;
  const said = `The source answered ${[String(status), code].filter(Boolean).join(" ")}.`;
  if (status >= 300 && status < 400) return { kind: "refused", code: "URL_REDIRECT", reason: said };
  if (status === 408 || status === 425 || status === 429 || status >= 500 || status < 200) {
    return { kind: "passing", code: "SOURCE_UNAVAILABLE", reason: said };
  }
  if (isExpired(code, message, clockAheadMs)) return { kind: "expired", reason: said };
  // 405: the version is a delete marker.
  if (status === 404 || status === 405 || status === 410) {
    return { kind: "counted", code: "SOURCE_MISSING", reason: said };
  }
  if (status === 416) return { kind: "counted", code: "SIZE_MISMATCH", reason: "The source has fewer bytes." };
  if (status === 400 && code === "RequestTimeout") return { kind: "passing", code: "SOURCE_UNAVAILABLE", reason: said };
  return { kind: "counted", code: "SOURCE_DENIED", reason: said };
}

function isExpired(code: string, message: string, clockAheadMs: number | undefined): boolean {
  if (code === "RequestTimeTooSkewed") return clockAheadMs !== undefined && Math.abs(clockAheadMs) < SAME_CLOCK_MS;
  return EXPIRED.has(code) || (code === "AccessDenied" && /\bexpired\b/i.test(message));
}

/** Faults that are retried a few times and then are final. */
export type CountedCode = "SOURCE_DENIED" | "SOURCE_MISSING" | "SIZE_MISMATCH" | "SHA256_MISMATCH";

/** Codes of faults that are final at once. */
export type RefusalCode = "URL_REDIRECT" | "VERSION_CONFLICT" | "TOO_LARGE" | UrlFault;

/** Why a copy stopped. Reasons never contain a URL. */
export type CopyFault =
  | { readonly kind: "expired"; readonly reason: string }
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly reason: string }
  | { readonly kind: "counted"; readonly code: CountedCode; readonly reason: string }
  | {
      readonly kind: "passing";
      /** `COPY_BUSY`: another delivery copies the same file. */
      readonly code: "SOURCE_UNAVAILABLE" | "TARGET_UNAVAILABLE" | "COPY_BUSY";
      readonly reason: string;
    }
  /** The multipart upload can no longer be completed. */
  | { readonly kind: "lost"; readonly reason: string }
  | { readonly kind: "target"; readonly code: "TARGET_DENIED" | "BUCKET_FOREIGN"; readonly reason: string }
  /** The invocation ran out of time. */
  | { readonly kind: "stopped"; readonly reason: string }
  /** A later version is stored under the key. */
  | { readonly kind: "superseded"; readonly reason: string };

/** Carries a fault out of streams and calls. The copier never throws it to its caller. */
export class CopyStop extends StackyardError {
  readonly fault: CopyFault;

  constructor(fault: CopyFault) {
    super("INTERRUPTED", fault.reason);
    this.fault = fault;
  }
}

/** Throws when the source offers other bytes than requested. `size`: undefined when the message has none. */
export function checkOpened(opened: OpenedFile, size: number | undefined, range?: ByteRange): void {
  const expected = range === undefined ? size : range.to - range.from + 1;
  if (opened.length !== undefined && expected !== undefined && opened.length !== expected) {
    throw toSizeMismatch(`The source announces ${opened.length} bytes instead of ${expected}.`);
  }
  if (range === undefined) checkUnasked(opened);
  else checkPart(opened, size, range);
}

function checkPart(opened: OpenedFile, size: number | undefined, range: ByteRange): void {
  const isWhole = range.from === 0 && range.to + 1 === size && opened.range === undefined;
  if (isWhole) return;
  if (opened.range?.from !== range.from || opened.range.to !== range.to) {
    throw toSizeMismatch("The source does not send the requested part.");
  }
  if (opened.range.size !== undefined && opened.range.size !== size) {
    throw toSizeMismatch(`The source has ${opened.range.size} bytes instead of ${size}.`);
  }
}

/** Checks that the file is whole. Without a size or a digest, only this detects a partial file. */
function checkUnasked({ range }: OpenedFile): void {
  if (range === undefined || (range.from === 0 && range.to + 1 === range.size)) return;
  throw toSizeMismatch("The source sends a part instead of the whole file.");
}

/** Size and hex digest of some bytes. */
export interface FileDigest {
  readonly size: number;
  readonly sha256: string;
}

/**
 * Passes bytes on while counting and digesting them. The last chunk is passed on only when size and digest match, so an
 * upload with wrong content never completes.
 */
export async function* measureBody(body: AsyncIterable<Uint8Array>, expected: FileDigest): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let size = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > expected.size) throw toSizeMismatch(`The source sends more than ${expected.size} bytes.`);
    hash.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  if (size < expected.size) throw toSizeMismatch(`The source sent ${size} bytes instead of ${expected.size}.`);
  checkDigest(hash.digest("hex"), expected.sha256);
  if (held !== undefined) yield held;
}

/** Compares a whole file with the announced size and digest. Messages of version 1 announce neither. */
export function checkWhole(message: ArtifactMessage, size: number, sha256: string): void {
  if (message.v !== 2) return;
  const { artifact } = message;
  if (size !== artifact.size) throw toSizeMismatch(`The source sent ${size} bytes instead of ${artifact.size}.`);
  checkDigest(sha256, artifact.sha256);
}

function checkDigest(found: string, expected: string): void {
  if (found === expected) return;
  const reason = "The content does not match the announced SHA-256.";
  throw new CopyStop({ kind: "counted", code: "SHA256_MISMATCH", reason });
}

/** Returns a fault for an unexpected number of bytes. */
export function toSizeMismatch(reason: string): CopyStop {
  return new CopyStop({ kind: "counted", code: "SIZE_MISMATCH", reason });
}

/** Reads a stream in pieces of a given size. */
export interface ByteReader {
  /** Yields the given number of bytes, or fewer at the end of the stream. Read it completely before the next call. */
  take(bytes: number): AsyncGenerator<Uint8Array>;
  isAtEnd(): Promise<boolean>;
  /** Ends the stream. */
  close(): Promise<void>;
}

/** Splits a stream at byte offsets, independent of its chunks. Keeps at most one chunk in memory. */
export function createByteReader(body: AsyncIterable<Uint8Array>): ByteReader {
  const iterator = body[Symbol.asyncIterator]();
  let held: Uint8Array | undefined;

  async function fill(): Promise<Uint8Array | undefined> {
    while (held === undefined || held.byteLength === 0) {
      const next = await iterator.next();
      if (next.done === true) return undefined;
      held = next.value;
    }
    return held;
  }

  return {
    async *take(bytes) {
      let left = bytes;
      while (left > 0) {
        const chunk = await fill();
        if (chunk === undefined) return;
        const piece = chunk.subarray(0, left);
        held = chunk.subarray(piece.byteLength);
        left -= piece.byteLength;
        yield piece;
      }
    },
    isAtEnd: async () => (await fill()) === undefined,
    close: async () => void (await iterator.return?.()),
  };
}

// TLS delivers chunks of at most 16 KiB, each its own buffer. After 4 MiB too many would already be in the old generation.
const EVERY_BYTES = 1_024 ** 2;
/** Chunks in flight during a minor collection move to the old generation; only a full collection frees them. */
const WHOLE_EVERY = 64;

/**
 * Returns a function that runs a minor garbage collection, which takes a fraction of a millisecond. Every 64th call
 * runs a full one. For `CopierDeps.collect` in processes that do little else. Each chunk of a stream is a buffer
 * outside of V8's heap, and V8 collects only after more than 100 MiB of garbage: measured at 400 MiB/s, a process needs
 * half as much memory with this.
 */
export function createCollector(): () => void {
  // The flag applies to contexts that are created while it is set (Node.js documentation, "v8.setFlagsFromString").
  setFlagsFromString("--expose-gc");
  const found: unknown = runInNewContext("globalThis.gc");
  setFlagsFromString("--no-expose-gc");
  let calls = 0;
  return () => {
    if (typeof found !== "function") return;
    calls += 1;
    if (calls % WHOLE_EVERY === 0) found();
    else found({ type: "minor" });
  };
}

/** Wraps a source so that garbage is collected after each MiB read from any of its files. */
export function collectAlong(source: ArtifactSource, collect: () => void): ArtifactSource {
  let count = 0;
  async function* pass(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      yield chunk;
      count += chunk.byteLength;
      if (count < EVERY_BYTES) continue;
      count = 0;
      collect();
    }
  }
  return async (file) => {
    const opened = await source(file);
    return { ...opened, body: pass(opened.body) };
  };
}
