import { createHash } from "node:crypto";
import { addAbortSignal, Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { type AnswerPolicy, asProbe, callAws, findAwsFault, toAnswer, toAwsError } from "@stackyard/aws";
import { defined } from "@stackyard/core";
import { type ServedHeaders, toServedInput } from "@stackyard/sdk/artifacts";
import type { AnnouncedMessage, ArtifactMessage } from "../messages.ts";
import { CopyStop, type FileDigest } from "./artifact-source.ts";

/** The consumer's own bucket. */
export interface TargetInput {
  readonly client: S3Client;
  readonly bucket: string;
  /** The account that must own the bucket. */
  readonly account: string;
  /** Default: the bucket's encryption. */
  readonly kmsKeyArn?: string;
}

/** Content type, other headers with which it is served, and metadata of an object. */
export interface ObjectFacts {
  readonly contentType?: string;
  readonly headers?: ServedHeaders;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Write only when the key is free, when it has exactly this ETag, or always. */
export type WriteCondition = "absent" | { readonly etag: string } | "any";

/** Content with its size and hex digest. */
export interface DigestedBytes extends FileDigest {
  readonly body: () => Readable;
}

/** The result of a write. `exists`: the condition is not met. */
export type WriteResult = { readonly kind: "written"; readonly versionId?: string } | { readonly kind: "exists" };

/** An uploaded part. */
export interface UploadedPart {
  readonly number: number;
  readonly etag: string;
  readonly sha256: string;
}

/** An object to put. */
interface PutInput {
  readonly key: string;
  readonly bytes: DigestedBytes;
  readonly facts: ObjectFacts;
  readonly signal: AbortSignal;
}

/** Writes to the consumer's bucket. All methods but `abort` throw a `CopyStop`. */
export interface TargetBucket {
  put(input: PutInput, condition: WriteCondition): Promise<WriteResult>;
  /** Begins a multipart upload and returns its id. */
  begin(key: string, facts: ObjectFacts): Promise<string>;
  /** Uploads a part and returns its ETag. */
  upload(at: UploadPlace, number: number, bytes: DigestedBytes, signal: AbortSignal): Promise<string>;
  complete(at: UploadPlace, parts: readonly UploadedPart[], condition: WriteCondition): Promise<WriteResult>;
  /** Returns true when the upload no longer exists. Never throws; a later sweep retries. */
  abort(at: UploadPlace): Promise<boolean>;
  /** Returns true when another account owns the bucket. Called after access was denied. */
  isForeign(): Promise<boolean>;
}

/** Key and id of a multipart upload. */
export interface UploadPlace {
  readonly key: string;
  readonly id: string;
}

/** Creates the target. S3 verifies the bucket owner with each call. */
export function createTargetBucket({ client, bucket, account, kmsKeyArn }: TargetInput): TargetBucket {
  const at = { Bucket: bucket, ExpectedBucketOwner: account };
  const encryption =
    kmsKeyArn === undefined ? {} : ({ ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKeyArn } as const);
  const place = ({ key, id }: UploadPlace) => ({ ...at, Key: key, UploadId: id });
  return {
    put: ({ key, bytes, facts, signal }, condition) =>
      write(
        sendBody(bytes.body(), signal, (Body, abortSignal) => {
          const input = { ...at, Key: key, ...encryption, ...toHeaders(facts), ...toCondition(condition) };
          return client.send(new PutObjectCommand({ ...input, ...toSized(bytes), Body }), { abortSignal });
        }),
      ),
    async begin(key, facts) {
      const input = { ...at, Key: key, ...encryption, ...toHeaders(facts), ChecksumAlgorithm: "SHA256" } as const;
      const { UploadId = "" } = await ask(client.send(new CreateMultipartUploadCommand(input)));
      return UploadId;
    },
    async upload(upload, number, bytes, signal) {
      const input = { ...place(upload), PartNumber: number, ...toSized(bytes) };
      const { ETag = "" } = await ask(
        sendBody(bytes.body(), signal, (Body, abortSignal) =>
          client.send(new UploadPartCommand({ ...input, Body }), { abortSignal }),
        ),
      );
      return ETag;
    },
    complete(upload, parts, condition) {
      const Parts = parts.map(({ number, etag, sha256 }) => ({
        PartNumber: number,
        ETag: etag,
        ChecksumSHA256: toBase64(sha256),
      }));
      const input = { ...place(upload), MultipartUpload: { Parts }, ...toCondition(condition) };
      return write(client.send(new CompleteMultipartUploadCommand(input)), true);
    },
    abort: (upload) =>
      client.send(new AbortMultipartUploadCommand(place(upload))).then(
        () => true,
        (error) => toAnswer(error) === "gone",
      ),
    async isForeign() {
      const isSeen = (input: object) =>
        client.send(asProbe(new HeadBucketCommand({ Bucket: bucket, ...input }))).then(
          () => true,
          () => false,
        );
      return (await isSeen({})) && !(await isSeen(at));
    },
  };
}

function ask<Output>(call: Promise<Output>): Promise<Output> {
  return callAws(() => call, { toError: toTargetStop });
}

/**
 * Returns the result of a conditional write (Amazon S3 user guide, "How to prevent object overwrites with conditional
 * writes"): 412 when the condition fails, 404 when `If-Match` finds no object, 409 for a concurrent request; a
 * multipart upload must then be started anew.
 */
async function write(
  call: Promise<{ readonly VersionId?: string | undefined }>,
  isUpload = false,
): Promise<WriteResult> {
  const instead: Readonly<Record<string, "exists" | "lost">> = {
    PreconditionFailed: "exists",
    NoSuchKey: "exists",
    ...(isUpload && { ConditionalRequestConflict: "lost" }),
  };
  const written = await callAws(() => call, { instead, toError: toTargetStop });
  if (written === "exists") return { kind: "exists" };
  if (written === "lost") {
    throw new CopyStop({
      kind: "lost",
      reason: "The upload no longer exists: another one of the same key was completed.",
    });
  }
  return { kind: "written", ...defined({ versionId: written.VersionId }) };
}

function toSized({ size, sha256 }: DigestedBytes) {
  return { ContentLength: size, ChecksumSHA256: toBase64(sha256) };
}

function toHeaders({ contentType, headers = {}, metadata }: ObjectFacts) {
  return { Metadata: { ...metadata }, ...defined({ ContentType: contentType }), ...toServedInput(headers) };
}

function toCondition(condition: WriteCondition) {
  if (condition === "any") return {};
  return condition === "absent" ? { IfNoneMatch: "*" } : { IfMatch: condition.etag };
}

function toBase64(hex: string): string {
  return Buffer.from(hex, "hex").toString("base64");
}

/** Errors of an upload that can no longer be completed (Amazon S3 API reference, "Error responses"). */
const LOST = new Set(["NoSuchUpload", "InvalidPart", "InvalidPartOrder", "EntityTooSmall"]);
/** The content changed in transit. */
const CHANGED = new Set(["BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"]);

/** The next try renews credentials, writes after the other writer, and sends the body again. */
const TARGET: AnswerPolicy = { passing: ["UNAUTHENTICATED", "RECORD_CONFLICT", "IncompleteBody"] };

/** Converts an error of a call to the consumer's bucket into a fault. A `CopyStop` is returned unchanged. */
export function toTargetStop(error: unknown): Error {
  if (error instanceof CopyStop) return error;
  const { name = "", code } = findAwsFault(error);
  const said = name === "" ? "" : ` (${name})`;
  if (LOST.has(name)) return new CopyStop({ kind: "lost", reason: `The upload no longer exists${said}.` });
  if (CHANGED.has(name)) {
    return new CopyStop({ kind: "counted", code: "SHA256_MISMATCH", reason: `The content changed in transit${said}.` });
  }
  if (toAnswer(error, TARGET) === "passing") {
    const reason = `The target bucket is temporarily unavailable${said}.`;
    return new CopyStop({ kind: "passing", code: "TARGET_UNAVAILABLE", reason });
  }
  if (code === "INTERNAL" || code === "INTERRUPTED") return toAwsError(error, "The call to the target bucket failed.");
  return new CopyStop({ kind: "target", code: "TARGET_DENIED", reason: `The target bucket refuses the file${said}.` });
}

/**
 * Sends a stream with an SDK call. The SDK does not observe errors of the stream and would wait forever, so the call is
 * aborted and throws the error of the stream.
 */
async function sendBody<Output>(
  body: Readable,
  signal: AbortSignal,
  send: (body: Readable, signal: AbortSignal) => Promise<Output>,
): Promise<Output> {
  const controller = new AbortController();
  const fault: { error?: unknown } = {};
  body.once("error", (error) => {
    fault.error ??= error;
    controller.abort();
  });
  try {
    return await send(body, AbortSignal.any([signal, controller.signal]));
  } catch (error) {
    throw fault.error ?? error;
  } finally {
    // Late errors of the stream must not be unhandled.
    body.on("error", () => undefined);
    body.destroy();
  }
}

/** An object in the consumer's bucket. */
interface StoredObject {
  readonly etag: string;
  readonly size: number;
  readonly versionId?: string;
  /** Lower-case names without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Reads the consumer's bucket. Throws a `CopyStop`. */
export interface StoredObjects {
  find(key: string): Promise<StoredObject | undefined>;
  /** Reads an object and returns its SHA-256 in hex; undefined when it was replaced. */
  digest(key: string, etag: string, signal: AbortSignal): Promise<string | undefined>;
}

/** Creates a reader of the consumer's bucket. */
export function createStoredObjects({ client, bucket, account }: TargetInput): StoredObjects {
  const at = { Bucket: bucket, ExpectedBucketOwner: account };
  return {
    async find(key) {
      const policy = { instead: { NotFound: undefined, NoSuchKey: undefined }, toError: toTargetStop };
      const found = await callAws(() => client.send(new HeadObjectCommand({ ...at, Key: key })), policy);
      if (found === undefined) return undefined;
      const { ETag = "", ContentLength = 0, VersionId, Metadata = {} } = found;
      return { etag: ETag, size: ContentLength, metadata: Metadata, ...defined({ versionId: VersionId }) };
    },
    async digest(key, etag, signal) {
      const command = new GetObjectCommand({ ...at, Key: key, IfMatch: etag });
      const read = async () => {
        const { Body } = await client.send(command, { abortSignal: signal });
        const hash = createHash("sha256");
        // The SDK observes the signal only until the response starts.
        if (Body instanceof Readable) for await (const chunk of addAbortSignal(signal, Body)) hash.update(chunk);
        return hash.digest("hex");
      };
      return callAws(read, { instead: { PreconditionFailed: undefined, NoSuchKey: undefined }, toError: toTargetStop });
    },
  };
}

/** The relation of the object under the key to a message. */
type StoredVerdict =
  | { readonly kind: "same"; readonly storedSha256: string }
  /** The object has no digest in its metadata: it must be read. */
  | { readonly kind: "unknown" }
  /** The same version with other content. */
  | { readonly kind: "conflict" }
  /** An earlier version. */
  | { readonly kind: "earlier" }
  | { readonly kind: "later" };

/** Metadata keys of copied objects. */
export const METADATA = {
  /** Hex digest of the source's file. */
  sha256: "stackyard-sha256",
  /** Hex digest of the object itself, when it was rewritten. */
  storedSha256: "stackyard-stored-sha256",
  version: "stackyard-version",
  distribution: "stackyard-distribution",
  sequence: "stackyard-sequence",
} as const;

/** The content to write, and the digest of the existing object if it was read. */
interface StoredComparison {
  /** Differs from the announced digest for a rewritten template. */
  readonly own: FileDigest;
  readonly read?: string;
}

/** Compares the existing object with a message. */
export function compareStored(
  stored: StoredObject,
  message: AnnouncedMessage,
  { own, read }: StoredComparison,
): StoredVerdict {
  const { sha256, size } = message.artifact;
  const { [METADATA.sha256]: said, [METADATA.storedSha256]: rewritten } = stored.metadata;
  if (said === undefined && read === undefined && stored.size === own.size) return { kind: "unknown" };
  if (said === undefined && read === own.sha256) return { kind: "same", storedSha256: read };
  // Another release of this consumer can rewrite a template differently, so only "rewritten or not" is compared.
  const isAlike = (rewritten !== undefined) === (own.sha256 !== sha256);
  const isSame = said === sha256 && isAlike && (rewritten !== undefined || stored.size === size);
  return isSame ? { kind: "same", storedSha256: rewritten ?? sha256 } : compareVersions(stored, message);
}

/**
 * Compares the stored version. An object copied for a version 1 message has no version to conflict with. Objects of
 * other writers are not overwritten.
 */
function compareVersions({ metadata }: StoredObject, { artifact, sequence }: AnnouncedMessage): StoredVerdict {
  const { [METADATA.sha256]: said, [METADATA.version]: version, [METADATA.sequence]: stored } = metadata;
  if (version === undefined) return { kind: said === undefined ? "conflict" : "earlier" };
  if (version === artifact.version) return { kind: "conflict" };
  return sequence !== undefined && Number(stored) > sequence ? { kind: "later" } : { kind: "earlier" };
}

/** Returns the metadata of an object. Values that are not printable ASCII are omitted. */
export function toMetadata(
  message: ArtifactMessage,
  sha256?: { readonly source: string; readonly stored: string },
): Readonly<Record<string, string>> {
  const announced = message.v === 2 ? message : undefined;
  const said = [
    [METADATA.sha256, sha256?.source ?? announced?.artifact.sha256],
    [METADATA.storedSha256, sha256?.stored === sha256?.source ? undefined : sha256?.stored],
    [METADATA.version, announced?.artifact.version],
    [METADATA.distribution, announced?.distributionId],
    [METADATA.sequence, announced?.sequence?.toString()],
  ] as const;
  return Object.fromEntries(
    said.flatMap(([name, value]) => (value !== undefined && /^[\u0021-\u007e]+$/.test(value) ? [[name, value]] : [])),
  );
}
