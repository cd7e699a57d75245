import { createHash } from "node:crypto";
import { addAbortSignal, Readable } from "node:stream";
import { GetObjectCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import { findAwsFault } from "@stackyard/aws";
import type { TargetInput } from "./target-bucket.ts";
import { toTargetStop } from "./target-fault.ts";

/** An object that lies in the consumer's bucket. */
export interface StoredObject {
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
