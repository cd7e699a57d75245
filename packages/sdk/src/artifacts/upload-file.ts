import type { HeadObjectCommandOutput, PutObjectCommand, S3Client, UploadPartCommand } from "@aws-sdk/client-s3";
import { defined } from "@stackyard/core";
import type { MemoryRoom } from "./file-parts.ts";
import {
  createFileDigest,
  createPartReader,
  type FileBody,
  type FileDigest,
  type HeldPart,
  MAX_PARTS,
  type PartReader,
  readBody,
  SINGLE_BYTES,
  toChangedError,
  toCompositeSha256,
  toUploadPartBytes,
} from "./file-parts.ts";
import {
  type ManifestFile,
  type ManifestPart,
  type ServedHeaders,
  statusOf,
  toArtifactError,
  toSdkError,
  toServedInput,
} from "./manifest.ts";

/** Where a file goes, on the condition that the key is as observed before. */
interface UploadTarget {
  readonly client: S3Client;
  readonly bucket: string;
  readonly key: string;
  readonly condition: { readonly IfNoneMatch: "*" } | { readonly IfMatch: string };
  readonly contentType?: string;
  readonly headers?: ServedHeaders;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The content to upload. */
interface UploadSource {
  readonly body: FileBody;
  /** The size in bytes, or undefined if it is unknown. */
  readonly size: number | undefined;
  readonly room: MemoryRoom;
  /** Called with the number of bytes that were sent. */
  onSent(bytes: number): void;
  readonly signal: AbortSignal;
}

/** A file that was read and sent. */
interface UploadedFile extends FileDigest {
  /** True if S3 rejected it: the key exists, perhaps as this file when the response to an earlier try was lost. */
  readonly occupied: boolean;
  readonly versionId?: string;
}

/** The time limit of aborting an upload, in milliseconds: a publisher that was stopped does not wait for a silent S3. */
const GIVE_UP_MS = 5_000;

/** Sends a file, in one piece or in parts, reading each byte once. Aborts an upload that it cannot complete. */
export async function uploadFile(target: UploadTarget, source: UploadSource): Promise<UploadedFile> {
  const { body, size, room } = source;
  // One byte more than expected: one part is enough to detect the end, or that a file has grown.
  const partBytes = size !== undefined && size <= SINGLE_BYTES ? size + 1 : toUploadPartBytes(size);
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

/** Reads at most one byte more than expected. */
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

/** Encodes the digest as S3 requires it. */
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
      ...toHeaders(target),
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
      ...toHeaders(target),
    }),
    { abortSignal: signal },
  );
  if (UploadId === undefined) throw toArtifactError("SERVER_ERROR", `S3 did not start an upload of "${target.key}".`);
  return UploadId;
}

/** Reads the next part while others are being sent; the memory limit decides how many. The first failure stops all. */
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
      if (!signal.aborted) failures.push(createTooLongError(target));
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

function createTooLongError({ key }: UploadTarget): Error {
  const message = `"${key}" has more than ${MAX_PARTS} parts of the length for streams whose size is not known.`;
  return toArtifactError("PAYLOAD_TOO_LARGE", message, { hint: "Pass its size, or write it to a file first." });
}

function toHeaders({ contentType, headers = {} }: UploadTarget) {
  return { ...defined({ ContentType: contentType }), ...toServedInput(headers) };
}

/**
 * Returns undefined when the condition fails, another writer is active (S3 user guide, "Conditional writes"), or the
 * upload has already ended.
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

/** The facts of an object that are known without reading it. */
export interface StandingFile {
  readonly size: number;
  readonly etag: string;
  readonly versionId?: string;
  /** The digest in its metadata, written by the uploader. */
  readonly sha256?: string;
  /** The digest of the stored bytes if a consumer has rewritten a template; `sha256` is then the source's. */
  readonly storedSha256?: string;
  /** S3's own digest, of the bytes or over those of the parts. Base64. */
  readonly checksum?: string;
}

/** The location of an object. */
interface ObjectPlace {
  readonly client: S3Client;
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Finds the stored file; undefined when the key is free. Throws `FORBIDDEN`, `CONFIG_INVALID`, `UNREACHABLE`. */
export async function findStandingFile(place: ObjectPlace): Promise<StandingFile | undefined> {
  const { client, bucket, key, versionId, signal } = place;
  const { HeadObjectCommand } = await import("@aws-sdk/client-s3");
  const command = new HeadObjectCommand({
    Bucket: bucket,
    Key: key,
    ChecksumMode: "ENABLED",
    ...defined({ VersionId: versionId }),
  });
  try {
    return toStanding(await client.send(command, defined({ abortSignal: signal })));
  } catch (error) {
    if (statusOf(error) === 404 && !(error instanceof Error && error.name === "NoSuchBucket")) return undefined;
    const advice =
      statusOf(error) === 403 ? " Allow s3:GetObject, and s3:ListBucket, without which S3 denies what is missing." : "";
    throw toSdkError(error, `"${key}" in the bucket ${bucket} cannot be read.${advice}`);
  }
}

function toStanding(head: HeadObjectCommandOutput): StandingFile {
  const { ContentLength: size = 0, ETag: etag = "", VersionId: versionId, ChecksumSHA256: checksum, Metadata } = head;
  const sha256 = Metadata?.["stackyard-sha256"];
  const storedSha256 = Metadata?.["stackyard-stored-sha256"];
  return {
    size,
    etag,
    ...(versionId === undefined || versionId === "null" ? {} : { versionId }),
    ...defined({ sha256, storedSha256, checksum }),
  };
}

/**
 * Returns whether the object has the described bytes, as far as is known without reading: S3's own checksum takes
 * precedence over metadata. A rewritten template is identified by the digest of its source.
 */
export function holdsFile(
  standing: StandingFile,
  file: {
    readonly size: number;
    readonly sha256: string;
    readonly parts?: readonly ManifestPart[] | undefined;
    readonly rewrite?: "none" | "template" | undefined;
  },
): "yes" | "no" | "unknown" {
  const { checksum, sha256, storedSha256 } = standing;
  if (file.rewrite === "template" && storedSha256 !== undefined) return sha256 === file.sha256 ? "yes" : "no";
  if (standing.size !== file.size) return "no";
  const own = Buffer.from(file.sha256, "hex").toString("base64");
  const expected = [own, ...(file.parts === undefined ? [] : [toCompositeSha256(file.parts)])];
  if (checksum !== undefined && expected.includes(checksum)) return "yes";
  // A checksum over all bytes is the last word; one over parts may be over other parts.
  if (checksum !== undefined && !checksum.includes("-")) return "no";
  if (sha256 === undefined) return "unknown";
  return sha256 === file.sha256 ? "yes" : "no";
}

/** Where to look, and how closely. */
export interface CheckStoredFileInput {
  readonly client: S3Client;
  readonly bucket: string;
  /** The file as in a manifest. Its `versionId` is the source's; omit it for a consumer's bucket. */
  readonly file: Pick<ManifestFile, "key" | "size" | "sha256" | "parts" | "versionId" | "rewrite">;
  /** True to read every byte. Default: only when S3 has no checksum. */
  readonly read?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The observed state of the file. */
export interface StoredFileCheck {
  readonly verdict: "matching" | "missing" | "different";
  /** The digest of the stored object; null when it is missing. */
  readonly sha256: string | null;
}

/** Checks if a bucket contains a file of a manifest, by S3's checksum or the metadata's digest, else by reading it. */
export async function checkStoredFile(input: CheckStoredFileInput): Promise<StoredFileCheck> {
  const { client, bucket, file, read = false, signal } = input;
  const { key, versionId } = file;
  const options = defined({ versionId, signal });
  const place = { client, bucket, key, ...options };
  const standing = await findStandingFile(place);
  if (standing === undefined) return { verdict: "missing", sha256: null };
  const known = read ? "unknown" : holdsFile(standing, file);
  if (known === "yes") return { verdict: "matching", sha256: file.sha256 };
  // The metadata of other content is not trusted.
  if (known === "no" && standing.sha256 !== undefined && standing.sha256 !== file.sha256) {
    return { verdict: "different", sha256: standing.sha256 };
  }
  const sha256 = await readDigest(place);
  return sha256 === findExpected(standing, file)
    ? { verdict: "matching", sha256: file.sha256 }
    : { verdict: "different", sha256 };
}

/** Returns the digest that the bytes must have. Only a template of this exact source may have others. */
function findExpected({ sha256, storedSha256 }: StandingFile, file: CheckStoredFileInput["file"]): string {
  return file.rewrite === "template" && sha256 === file.sha256 ? (storedSha256 ?? file.sha256) : file.sha256;
}

async function readDigest({ client, bucket, key, versionId, signal }: ObjectPlace): Promise<string> {
  const at = { Bucket: bucket, Key: key, ...defined({ VersionId: versionId }) };
  const digest = createFileDigest(SINGLE_BYTES);
  const { GetObjectCommand } = await import("@aws-sdk/client-s3");
  try {
    const { Body } = await client.send(new GetObjectCommand(at), defined({ abortSignal: signal }));
    if (Body !== undefined && Symbol.asyncIterator in Body) {
      for await (const chunk of Body) digest.update(chunk);
    }
  } catch (error) {
    throw toSdkError(error, `"${key}" in the bucket ${bucket} could not be read.`);
  }
  return digest.end().sha256;
}

interface Step {
  readonly request?: unknown;
}

/**
 * Signs a body by its known digest, in hex; otherwise the SDK would compute it again. Source: Amazon S3 API reference,
 * "Authenticating Requests", `x-amz-content-sha256`.
 */
export function signWithDigest(command: PutObjectCommand | UploadPartCommand, sha256: string): void {
  // The types of the two stacks have no call in common.
  const { middlewareStack } = Object(command);
  const middleware = (next: (args: Step) => unknown) => (args: Step) => {
    const { headers } = Object(args.request);
    if (headers !== undefined) headers["x-amz-content-sha256"] = sha256;
    return next(args);
  };
  middlewareStack.add(middleware, { step: "build", name: "signWithDigest", override: true });
}
