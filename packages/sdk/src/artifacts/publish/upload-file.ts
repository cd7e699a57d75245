import type { S3Client } from "@aws-sdk/client-s3";
import { toArtifactError } from "../artifact-error.ts";
import { statusOf } from "../to-sdk-error.ts";
import { type FileBody, readBody, toChangedError } from "./file-body.ts";
import type { FileDigest } from "./file-digest.ts";
import type { MemoryRoom } from "./memory-room.ts";
import { MAX_PARTS, SINGLE_BYTES, toPartBytes } from "./part-bytes.ts";
import { createPartReader, type HeldPart, type PartReader } from "./part-reader.ts";
import { signWithDigest } from "./sign-with-digest.ts";

/** Where a file goes, and only if what stands there is what was seen. */
export interface UploadTarget {
  readonly client: S3Client;
  readonly bucket: string;
  readonly key: string;
  readonly condition: { readonly IfNoneMatch: "*" } | { readonly IfMatch: string };
  readonly contentType?: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What goes there. */
export interface UploadSource {
  readonly body: FileBody;
  /** Undefined: nobody knows. */
  readonly size: number | undefined;
  readonly room: MemoryRoom;
  /** Bytes that have arrived. */
  onSent(bytes: number): void;
  readonly signal: AbortSignal;
}

/** A file that was read and sent. */
export interface UploadedFile extends FileDigest {
  /** S3 has not taken it, as it tells: something stands there, or it is this file and the answer to an earlier try was lost. */
  readonly occupied: boolean;
  readonly versionId?: string;
}

/** What aborting an upload may take: a publisher that was stopped does not wait for a silent S3. */
const GIVE_UP_MS = 5_000;

/** Sends a file, in one piece or in parts, reading each byte once. What it has begun and cannot end it takes away again. */
export async function uploadFile(target: UploadTarget, source: UploadSource): Promise<UploadedFile> {
  const { body, size, room } = source;
  // One byte more than there should be: so one part is enough to see that it is the last, and that a file has grown.
  const partBytes = size !== undefined && size <= SINGLE_BYTES ? size + 1 : toPartBytes(size);
  const stop = new AbortController();
  const signal = AbortSignal.any([source.signal, stop.signal]);
  const chunks = limitSize(target, size, readBody(body, signal));
  const reader = createPartReader(chunks, { partBytes, room });
  try {
    const first = await reader.next();
    const digest = await reader.digest();
    return digest === undefined && first !== undefined
      ? await uploadParts(target, { ...source, signal }, { first, reader, stop })
      : await putWhole(target, source, { first, digest });
  } finally {
    await chunks.return();
  }
}

/** Reads no more than a byte more than there should be. */
async function* limitSize(
  { key }: UploadTarget,
  size: number | undefined,
  chunks: AsyncGenerator<Uint8Array, void>,
): AsyncGenerator<Uint8Array, void> {
  let read = 0;
  for await (const chunk of chunks) {
    read += chunk.length;
    if (size !== undefined && read > size) throw toChangedError(`"${key}" has more than ${size} bytes: it`);
    yield chunk;
  }
}

/** The digest as S3 wants it. */
export function toBase64(sha256: string): string {
  return Buffer.from(sha256, "hex").toString("base64");
}

async function putWhole(
  target: UploadTarget,
  source: UploadSource,
  { first, digest }: { readonly first: HeldPart | undefined; readonly digest: FileDigest | undefined },
): Promise<UploadedFile> {
  const { signal, room, onSent } = source;
  try {
    const whole = checkSize(target, source, digest);
    const { PutObjectCommand } = await import("@aws-sdk/client-s3");
    const command = new PutObjectCommand({
      Bucket: target.bucket,
      Key: target.key,
      Body: first?.bytes ?? Buffer.alloc(0),
      ContentLength: whole.size,
      ChecksumSHA256: toBase64(whole.sha256),
      ...target.condition,
      ...toContentType(target),
      Metadata: { ...target.metadata, "stackyard-sha256": whole.sha256 },
    });
    signWithDigest(command, whole.sha256);
    const written = await unlessOccupied(target.client.send(command, { abortSignal: signal }));
    onSent(whole.size);
    return { ...whole, parts: [], ...toOutcome(written) };
  } finally {
    if (first !== undefined) room.give(first.held);
  }
}

interface Begun {
  readonly first: HeldPart;
  readonly reader: PartReader;
  /** Stops reading and sending. */
  readonly stop: AbortController;
}

interface SentPart {
  readonly PartNumber: number;
  readonly ETag: string | undefined;
  readonly ChecksumSHA256: string;
}

async function uploadParts(
  target: UploadTarget,
  source: UploadSource,
  { first, reader, stop }: Begun,
): Promise<UploadedFile> {
  const at = { Bucket: target.bucket, Key: target.key };
  const { AbortMultipartUploadCommand, CompleteMultipartUploadCommand } = await import("@aws-sdk/client-s3");
  let uploadId: string | undefined;
  let isCompleted = false;
  try {
    uploadId = await beginUpload(target, source).catch((error: unknown) => {
      source.room.give(first.held);
      throw error;
    });
    const parts = await sendParts(target, source, { first, reader, stop, uploadId });
    const whole = checkSize(target, source, await reader.digest());
    const complete = new CompleteMultipartUploadCommand({
      ...at,
      UploadId: uploadId,
      ...target.condition,
      MultipartUpload: { Parts: [...parts] },
      ChecksumType: "COMPOSITE",
    });
    const written = await unlessOccupied(target.client.send(complete, { abortSignal: source.signal }));
    isCompleted = written !== undefined;
    return { ...whole, ...toOutcome(written) };
  } finally {
    // Without the source's signal: it may be what has stopped the upload. What remains is aborted by the bucket's lifecycle rule.
    if (uploadId !== undefined && !isCompleted) {
      const abort = new AbortMultipartUploadCommand({ ...at, UploadId: uploadId });
      await target.client.send(abort, { abortSignal: AbortSignal.timeout(GIVE_UP_MS) }).catch(() => {});
    }
  }
}

async function beginUpload(target: UploadTarget, { signal }: UploadSource): Promise<string> {
  const { CreateMultipartUploadCommand } = await import("@aws-sdk/client-s3");
  const { UploadId } = await target.client.send(
    new CreateMultipartUploadCommand({
      Bucket: target.bucket,
      Key: target.key,
      ChecksumAlgorithm: "SHA256",
      ChecksumType: "COMPOSITE",
      Metadata: { ...target.metadata },
      ...toContentType(target),
    }),
    { abortSignal: signal },
  );
  if (UploadId === undefined) throw toArtifactError("SERVER_ERROR", `S3 began no upload of "${target.key}".`);
  return UploadId;
}

/** Reads the next part while others are on their way; the room for bytes says how many. The first failure stops all. */
async function sendParts(
  target: UploadTarget,
  source: UploadSource,
  { first, reader, stop, uploadId }: Begun & { readonly uploadId: string },
): Promise<readonly SentPart[]> {
  const { signal } = source;
  const sending: Promise<SentPart>[] = [];
  const failures: unknown[] = [];
  for (let part: HeldPart | undefined = first; part !== undefined; ) {
    const sent = sendPart(target, source, { part, uploadId });
    sending.push(sent);
    sent.catch((error: unknown) => {
      failures.push(error);
      stop.abort();
    });
    part = signal.aborted
      ? undefined
      : await reader.next().catch((error: unknown) => {
          failures.push(error);
          stop.abort();
          return undefined;
        });
    if (part !== undefined && (signal.aborted || part.number > MAX_PARTS)) {
      source.room.give(part.held);
      if (!signal.aborted) failures.push(tellTooLong(target));
      stop.abort();
      part = undefined;
    }
  }
  await Promise.allSettled(sending);
  if (failures.length > 0) throw failures[0];
  signal.throwIfAborted();
  return Promise.all(sending);
}

async function sendPart(
  target: UploadTarget,
  { signal, room, onSent }: UploadSource,
  { part, uploadId }: { readonly part: HeldPart; readonly uploadId: string },
): Promise<SentPart> {
  const { number: PartNumber, bytes, held } = part;
  try {
    const sha256 = await part.sha256;
    const ChecksumSHA256 = toBase64(sha256);
    const { UploadPartCommand } = await import("@aws-sdk/client-s3");
    const command = new UploadPartCommand({
      Bucket: target.bucket,
      Key: target.key,
      UploadId: uploadId,
      PartNumber,
      ChecksumSHA256,
      Body: bytes,
      ContentLength: bytes.length,
    });
    signWithDigest(command, sha256);
    const { ETag } = await target.client.send(command, { abortSignal: signal });
    onSent(bytes.length);
    return { PartNumber, ETag, ChecksumSHA256 };
  } finally {
    room.give(held);
  }
}

function checkSize(target: UploadTarget, { size }: UploadSource, digest: FileDigest | undefined): FileDigest {
  if (digest !== undefined && (size === undefined || digest.size === size)) return digest;
  throw toChangedError(`"${target.key}" has ${digest?.size ?? "more"} bytes instead of ${size}: it`);
}

function tellTooLong({ key }: UploadTarget): Error {
  const message = `"${key}" has more than ${MAX_PARTS} parts of the length for streams whose size is not known.`;
  return toArtifactError("PAYLOAD_TOO_LARGE", message, { hint: "Give its size, or write it to a file first." });
}

function toContentType({ contentType }: UploadTarget) {
  return contentType === undefined ? {} : { ContentType: contentType };
}

/**
 * Undefined where the condition does not hold, or somebody else writes there (S3 user guide, "Conditional writes"), or the upload
 * has ended already.
 */
async function unlessOccupied<Output>(written: Promise<Output>): Promise<Output | undefined> {
  try {
    return await written;
  } catch (error) {
    const status = statusOf(error);
    if (status === 409 || status === 412 || (error instanceof Error && error.name === "NoSuchUpload")) return;
    throw error;
  }
}

function toOutcome(written: { readonly VersionId?: string | undefined } | undefined) {
  const versionId = written?.VersionId;
  // S3 answers "null" for objects of buckets without versioning.
  const version = versionId === undefined || versionId === "null" ? {} : { versionId };
  return { occupied: written === undefined, ...version };
}
