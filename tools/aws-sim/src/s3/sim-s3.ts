import type { Clock } from "@stackyard/core";
import type { SimService } from "../sim-call.ts";
import { type Bucket, keepObject, SSE_S3, type StoredObject, toEtag } from "./buckets.ts";
import { listObjects } from "./list-objects.ts";
import { deleteObject, getObject, headObject, putObject } from "./object-operations.ts";
import { s3Faults } from "./s3-faults.ts";

/** General purpose buckets with conditional reads, writes and deletes, ranges and paging. */
export interface SimS3 {
  readonly service: SimService;
  createBucket(input: BucketInput): void;
  hasBucket(name: string): boolean;
  /** Puts an object there now, as if somebody else had done it. */
  write(bucket: string, key: string, body: string | Buffer): void;
  remove(bucket: string, key: string): void;
  /** What lies there, as text by key. */
  texts(bucket: string): Readonly<Record<string, string>>;
  findObject(bucket: string, key: string, versionId?: string): StoredObject | undefined;
}

/** Where a bucket is and who may use it. */
export interface BucketInput {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  /** Other accounts that its policy lets in. Default: none. */
  readonly sharedWith?: readonly string[];
  /** Keeps older versions of its objects. Default: false. */
  readonly versioned?: boolean;
}

/** Operations whose IAM action has another name (Service authorization reference, "Amazon S3"). */
const ACTIONS: Readonly<Record<string, string>> = {
  HeadObject: "s3:GetObject",
  ListObjectsV2: "s3:ListBucket",
  HeadBucket: "s3:ListBucket",
};

/** S3 without buckets. */
export function createS3({ clock }: { readonly clock: Pick<Clock, "now"> }): SimS3 {
  const buckets = new Map<string, Bucket>();
  const open = (name: string): Bucket => {
    const bucket = buckets.get(name);
    if (bucket === undefined) throw s3Faults.noSuchBucket(name);
    return bucket;
  };
  return {
    service: {
      operations: {
        PutObject: (call) => putObject(buckets, call),
        GetObject: (call) => getObject(buckets, call),
        HeadObject: (call) => headObject(buckets, call),
        DeleteObject: (call) => deleteObject(buckets, call),
        ListObjectsV2: (call) => listObjects(buckets, call),
      },
      toAction: (operation) => ACTIONS[operation] ?? `s3:${operation}`,
      faults: s3Faults,
    },
    hasBucket: (name) => buckets.has(name),
    createBucket({ sharedWith = [], versioned = false, ...input }) {
      const versions = versioned ? new Map() : undefined;
      buckets.set(input.name, { ...input, sharedWith, objects: new Map(), versions });
    },
    write(bucket, key, text) {
      const body = Buffer.from(text);
      const at = { modifiedAt: clock.now(), contentType: undefined, metadata: {}, encryption: SSE_S3 };
      keepObject(open(bucket), { key, body, etag: toEtag(body), ...at });
    },
    remove: (bucket, key) => void open(bucket).objects.delete(key),
    texts: (bucket) => Object.fromEntries([...open(bucket).objects].map(([key, { body }]) => [key, body.toString()])),
    findObject(bucket, key, versionId) {
      const { objects, versions } = buckets.get(bucket) ?? {};
      const found = versionId === undefined ? objects?.get(key) : versions?.get(versionId);
      return found?.key === key ? found : undefined;
    },
  };
}
