import type { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadBucketCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { findAwsFault } from "@stackyard/aws";
import { sendBody } from "./send-body.ts";
import { toTargetStop } from "./target-fault.ts";

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
export interface PutInput {
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
