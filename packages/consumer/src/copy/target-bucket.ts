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
import { findAwsFault, toAwsError } from "@stackyard/aws";
import type { AnnouncedMessage, ArtifactMessage } from "../messages.ts";
import { CopyStop } from "./artifact-source.ts";

/** The consumer's own bucket. */
export interface TargetInput {
  readonly client: S3Client;
  readonly bucket: string;
  /** Whose the bucket must be. */
  readonly account: string;
  /** Default: as the bucket encrypts. */
  readonly kmsKeyArn?: string;
}

/** What an object says of itself. */
export interface ObjectFacts {
  readonly contentType?: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What must stand under the key: nothing, exactly that ETag, or whatever does. */
export type WriteCondition = "absent" | { readonly etag: string } | "any";

/** Some bytes and their digest in hex. */
export interface DigestedBytes {
  readonly size: number;
  readonly sha256: string;
  readonly body: () => Readable;
}

/** What a write gave; `exists`: the condition does not hold. */
export type WriteResult = { readonly kind: "written"; readonly versionId?: string } | { readonly kind: "exists" };

/** A part that lies there. */
export interface UploadedPart {
  readonly number: number;
  readonly etag: string;
  readonly sha256: string;
}

/** A whole object. */
interface PutInput {
  readonly key: string;
  readonly bytes: DigestedBytes;
  readonly facts: ObjectFacts;
  readonly signal: AbortSignal;
}

/** Writes to the consumer's bucket. All but `abort` fail with a `CopyStop`. */
export interface TargetBucket {
  put(input: PutInput, condition: WriteCondition): Promise<WriteResult>;
  /** The id of the upload. */
  begin(key: string, facts: ObjectFacts): Promise<string>;
  /** The ETag of the part. */
  upload(at: UploadPlace, number: number, bytes: DigestedBytes, signal: AbortSignal): Promise<string>;
  complete(at: UploadPlace, parts: readonly UploadedPart[], condition: WriteCondition): Promise<WriteResult>;
  /** True: it is gone. Never throws: what is left is aborted another time. */
  abort(at: UploadPlace): Promise<boolean>;
  /** Is the bucket somebody else's? Asked once something was denied. */
  isForeign(): Promise<boolean>;
}

/** An upload in parts. */
export interface UploadPlace {
  readonly key: string;
  readonly id: string;
}

/** A bucket that must be of one's own account: S3 checks it with each call. */
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
        (error) => findAwsFault(error).name === "NoSuchUpload",
      ),
    async isForeign() {
      const isSeen = (input: object) =>
        client.send(new HeadBucketCommand({ Bucket: bucket, ...input })).then(
          () => true,
          () => false,
        );
      return (await isSeen({})) && !(await isSeen(at));
    },
  };
}

async function ask<Output>(call: Promise<Output>): Promise<Output> {
  try {
    return await call;
  } catch (error) {
    throw toTargetStop(error);
  }
}

/**
 * Amazon S3 user guide, "How to prevent object overwrites with conditional writes": 412 when the condition does not hold, 404 when
 * `If-Match` meets no object, 409 when another request was under way; an upload in parts must be begun anew then.
 */
async function write(
  call: Promise<{ readonly VersionId?: string | undefined }>,
  isUpload = false,
): Promise<WriteResult> {
  try {
    const { VersionId } = await call;
    return { kind: "written", ...(VersionId !== undefined && { versionId: VersionId }) };
  } catch (error) {
    const { name } = findAwsFault(error);
    if (name === "PreconditionFailed" || name === "NoSuchKey") return { kind: "exists" };
    if (isUpload && name === "ConditionalRequestConflict") {
      throw toTargetStop(Object.assign(new Error("The upload met another."), { name: "InvalidPart" }));
    }
    throw toTargetStop(error);
  }
}

function toSized({ size, sha256 }: DigestedBytes) {
  return { ContentLength: size, ChecksumSHA256: toBase64(sha256) };
}

function toHeaders({ contentType, metadata }: ObjectFacts) {
  return { Metadata: { ...metadata }, ...(contentType !== undefined && { ContentType: contentType }) };
}

function toCondition(condition: WriteCondition) {
  if (condition === "any") return {};
  return condition === "absent" ? { IfNoneMatch: "*" } : { IfMatch: condition.etag };
}

function toBase64(hex: string): string {
  return Buffer.from(hex, "hex").toString("base64");
}

/** Names of an upload that cannot be completed any more (Amazon S3 API reference, "Error responses"). */
const LOST = new Set(["NoSuchUpload", "InvalidPart", "InvalidPartOrder", "EntityTooSmall"]);
/** What arrived is not what was digested. */
const CHANGED = new Set(["BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"]);

/** An error of a call to the consumer's own bucket as what it means for the copy. Faults of ours stay what they are. */
export function toTargetStop(error: unknown): Error {
  if (error instanceof CopyStop) return error;
  const { kind, name = "", code } = findAwsFault(error);
  const said = name === "" ? "" : ` (${name})`;
  if (LOST.has(name)) return new CopyStop({ kind: "lost", reason: `The upload has gone${said}.` });
  if (CHANGED.has(name)) {
    return new CopyStop({ kind: "counted", code: "SHA256_MISMATCH", reason: `The bytes changed on their way${said}.` });
  }
  if (kind === "retryable" || code === "UNAUTHENTICATED" || code === "RECORD_CONFLICT" || name === "IncompleteBody") {
    const reason = `The target bucket does not take the file now${said}.`;
    return new CopyStop({ kind: "passing", code: "TARGET_UNAVAILABLE", reason });
  }
  if (code === "INTERNAL" || code === "INTERRUPTED") return toAwsError(error, "The target bucket was not asked.");
  return new CopyStop({ kind: "target", code: "TARGET_DENIED", reason: `The target bucket refuses the file${said}.` });
}

/**
 * Sends a stream by a call of the SDK. The SDK pipes it and does not hear when it fails, and would wait for ever: then the call
 * is aborted, and ends with what the stream failed with.
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
    // One that failed must not fail unheard.
    body.on("error", () => undefined);
    body.destroy();
  }
}

/** An object that lies in the consumer's bucket. */
interface StoredObject {
  readonly etag: string;
  readonly size: number;
  readonly versionId?: string;
  /** Lower-case names without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Looks at the consumer's bucket. Fails with a `CopyStop`. */
export interface StoredObjects {
  find(key: string): Promise<StoredObject | undefined>;
  /** SHA-256 in hex, by reading it; undefined where it is another object by now. */
  digest(key: string, etag: string, signal: AbortSignal): Promise<string | undefined>;
}

/** Objects of a bucket of one's own. */
export function createStoredObjects({ client, bucket, account }: TargetInput): StoredObjects {
  const at = { Bucket: bucket, ExpectedBucketOwner: account };
  return {
    async find(key) {
      try {
        const found = await client.send(new HeadObjectCommand({ ...at, Key: key }));
        const { ETag = "", ContentLength = 0, VersionId, Metadata = {} } = found;
        return {
          etag: ETag,
          size: ContentLength,
          metadata: Metadata,
          ...(VersionId !== undefined && { versionId: VersionId }),
        };
      } catch (error) {
        if (["NotFound", "NoSuchKey"].includes(findAwsFault(error).name ?? "")) return undefined;
        throw toTargetStop(error);
      }
    },
    async digest(key, etag, signal) {
      try {
        const command = new GetObjectCommand({ ...at, Key: key, IfMatch: etag });
        const { Body } = await client.send(command, { abortSignal: signal });
        const hash = createHash("sha256");
        // The SDK hears the signal only until the answer begins.
        if (Body instanceof Readable) for await (const chunk of addAbortSignal(signal, Body)) hash.update(chunk);
        return hash.digest("hex");
      } catch (error) {
        if (["PreconditionFailed", "NoSuchKey"].includes(findAwsFault(error).name ?? "")) return undefined;
        throw toTargetStop(error);
      }
    },
  };
}

/** What an object that lies under the key is to a message. */
type StoredVerdict =
  | { readonly kind: "same"; readonly storedSha256: string }
  /** It names no digest: it must be read. */
  | { readonly kind: "unknown" }
  /** The same version with other bytes. */
  | { readonly kind: "conflict" }
  /** Another version, that this one follows. */
  | { readonly kind: "earlier" }
  | { readonly kind: "later" };

/** Names of the metadata of objects that were copied. */
export const METADATA = {
  /** Of the source's file, in hex. */
  sha256: "stackyard-sha256",
  /** Of the object itself, where it was rewritten. */
  storedSha256: "stackyard-stored-sha256",
  version: "stackyard-version",
  distribution: "stackyard-distribution",
  sequence: "stackyard-sequence",
} as const;

/** What would be written, and what was read of the object that lies there. */
interface StoredComparison {
  /** Differs from what was announced where it was rewritten. */
  readonly own: { readonly size: number; readonly sha256: string };
  readonly read?: string;
}

/** Judges what lies there already. */
export function compareStored(
  stored: StoredObject,
  message: AnnouncedMessage,
  { own, read }: StoredComparison,
): StoredVerdict {
  const { sha256, size } = message.artifact;
  const { [METADATA.sha256]: said, [METADATA.storedSha256]: rewritten } = stored.metadata;
  if (said === undefined && read === undefined && stored.size === own.size) return { kind: "unknown" };
  if (said === undefined && read === own.sha256) return { kind: "same", storedSha256: read };
  // Rewritten or not: another release of this consumer may have rewritten it in another way.
  const isAlike = (rewritten !== undefined) === (own.sha256 !== sha256);
  const isSame = said === sha256 && isAlike && (rewritten !== undefined || stored.size === size);
  return isSame ? { kind: "same", storedSha256: rewritten ?? sha256 } : compareVersions(stored, message);
}

/** What was copied for a message without a version has none to conflict with; what somebody else put there is not touched. */
function compareVersions({ metadata }: StoredObject, { artifact, sequence }: AnnouncedMessage): StoredVerdict {
  const { [METADATA.sha256]: said, [METADATA.version]: version, [METADATA.sequence]: stored } = metadata;
  if (version === undefined) return { kind: said === undefined ? "conflict" : "earlier" };
  if (version === artifact.version) return { kind: "conflict" };
  return sequence !== undefined && Number(stored) > sequence ? { kind: "later" } : { kind: "earlier" };
}

/** What is written beside an object. Header values are printable ASCII; what is not is left out. */
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
