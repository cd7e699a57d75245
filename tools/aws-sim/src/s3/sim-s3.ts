import type { Clock } from "@stackyard/core";
import type { AwsEvent } from "../event-bridge.ts";
import { findText, type NamedResource, type SimCall, type SimService, textOf } from "../sim-call.ts";
import {
  type Bucket,
  createEmptyBucket,
  findVersion,
  type GeneratedContent,
  isObject,
  keepObject,
  type MultipartUpload,
  openBucket,
  SSE_S3,
  type StoredObject,
  s3Faults,
  settingOperations,
  toEtag,
} from "./buckets.ts";
import {
  type CreationReason,
  deleteObject,
  deleteObjects,
  deleteOne,
  getObject,
  headObject,
  listObjects,
  listVersions,
  putObject,
  toObjectCreated,
  type WrittenObject,
} from "./objects.ts";
import { toEncryptionPolicy } from "./upload-policy.ts";
import { abortUpload, completeUpload, createUpload, uploadPart } from "./uploads.ts";

/** General purpose buckets with conditional reads, writes and deletes, ranges, paging, versions and multipart uploads. */
export interface SimS3 {
  readonly service: SimService;
  createBucket(input: BucketInput): void;
  hasBucket(name: string): boolean;
  /** Puts an object now, as another writer would. No event is sent. */
  write(bucket: string, key: string, body: string | Buffer): void;
  /** Puts an object there whose bytes are made when they are read. Its ETag says nothing about them. */
  writeGenerated(bucket: string, key: string, content: GeneratedContent): void;
  remove(bucket: string, key: string): void;
  /** Returns its objects, as text by key. */
  texts(bucket: string): Readonly<Record<string, string>>;
  findObject(bucket: string, key: string, versionId?: string): StoredObject | undefined;
  /** Returns multipart uploads that are neither completed nor aborted. */
  uploads(bucket: string): readonly MultipartUpload[];
  /** Returns the bucket's settings, by name: `BucketPolicy`, `PublicAccessBlock`, … */
  settings(bucket: string): Readonly<Record<string, unknown>>;
  /** Gives the bucket a policy that denies uploads whose headers do not name this encryption. Default: any. */
  demandEncryption(bucket: string, kind?: string): void;
}

/** Where a bucket is and who may use it. Default: no one else; it neither notifies nor discards. */
interface BucketInput extends NamedResource, Partial<Pick<Bucket, "sharedWith" | "notifies" | "discards">> {
  /** Keeps older versions of its objects. Default: false. */
  readonly versioned?: boolean;
}

/** Operations whose IAM action has another name (Service authorization reference, "Amazon S3"). */
const ACTIONS: Readonly<Record<string, string>> = {
  HeadObject: "s3:GetObject",
  ListObjectsV2: "s3:ListBucket",
  ListObjectVersions: "s3:ListBucketVersions",
  HeadBucket: "s3:ListBucket",
  DeleteObjects: "s3:DeleteObject",
  CreateMultipartUpload: "s3:PutObject",
  UploadPart: "s3:PutObject",
  CompleteMultipartUpload: "s3:PutObject",
  PutPublicAccessBlock: "s3:PutBucketPublicAccessBlock",
  GetPublicAccessBlock: "s3:GetBucketPublicAccessBlock",
  PutBucketEncryption: "s3:PutEncryptionConfiguration",
  GetBucketEncryption: "s3:GetEncryptionConfiguration",
  PutBucketLifecycleConfiguration: "s3:PutLifecycleConfiguration",
  GetBucketLifecycleConfiguration: "s3:GetLifecycleConfiguration",
  PutBucketNotificationConfiguration: "s3:PutBucketNotification",
  GetBucketNotificationConfiguration: "s3:GetBucketNotification",
};

interface S3Deps {
  readonly clock: Pick<Clock, "now">;
  /** Called for objects in buckets that notify. */
  readonly onEvent?: (event: AwsEvent) => void;
}

/** Creates S3 without buckets. */
export function createS3({ clock, onEvent }: S3Deps): SimS3 {
  const buckets = new Map<string, Bucket>();
  const open = (name: string): Bucket => {
    const bucket = buckets.get(name);
    if (bucket === undefined) throw s3Faults.noSuchBucket(name);
    return bucket;
  };
  const tell: Tell = (call, { bucket, object }, reason) => {
    if (bucket.notifies) onEvent?.(toObjectCreated(bucket, object, { ...call, reason }));
  };
  const keep = (bucket: string, object: Pick<StoredObject, "key" | "body" | "size" | "etag" | "generated">): void => {
    const rest = { modifiedAt: clock.now(), contentType: undefined, metadata: {}, encryption: SSE_S3 };
    keepObject(open(bucket), { ...object, ...rest });
  };
  return {
    service: {
      operations: toOperations(buckets, tell),
      toAction: (operation) => ACTIONS[operation] ?? `s3:${operation}`,
      faults: s3Faults,
    },
    hasBucket: (name) => buckets.has(name),
    createBucket({ versioned = false, ...input }) {
      const versioning = versioned ? "enabled" : "never";
      buckets.set(input.name, { ...createEmptyBucket(input), ...input, versioning });
    },
    write(bucket, key, text) {
      const body = Buffer.from(text);
      keep(bucket, { key, body, size: body.length, etag: toEtag(body) });
    },
    writeGenerated(bucket, key, generated) {
      const etag = toEtag(Buffer.from(`${key} ${generated.size}`));
      keep(bucket, { key, body: Buffer.alloc(0), size: generated.size, etag, generated });
    },
    remove: (bucket, key) => void deleteOne(open(bucket), { key, versionId: undefined, now: clock.now() }),
    texts: (bucket) => Object.fromEntries([...open(bucket).objects].map(([key, { body }]) => [key, body.toString()])),
    findObject(name, key, versionId) {
      const bucket = buckets.get(name);
      const found = versionId === undefined ? bucket?.objects.get(key) : bucket && findVersion(bucket, key, versionId);
      return found !== undefined && isObject(found) ? found : undefined;
    },
    uploads: (bucket) => [...open(bucket).uploads.values()],
    settings: (bucket) => Object.fromEntries(open(bucket).settings),
    demandEncryption: (bucket, kind) =>
      void open(bucket).settings.set("BucketPolicy", { Policy: toEncryptionPolicy(bucket, kind) }),
  };
}

type Tell = (call: SimCall, written: WrittenObject, reason: CreationReason) => void;

function toOperations(buckets: Map<string, Bucket>, tell: Tell): SimService["operations"] {
  const settings = Object.entries(settingOperations).map(([name, run]) => {
    return [name, (call: SimCall) => run(buckets, call)] as const;
  });
  return {
    ...Object.fromEntries(settings),
    async PutObject(call) {
      const written = await putObject(buckets, call);
      tell(call, written, "PutObject");
      return written.output;
    },
    CompleteMultipartUpload(call) {
      const written = completeUpload(buckets, call);
      tell(call, written, "CompleteMultipartUpload");
      return written.output;
    },
    GetObject: (call) => getObject(buckets, call),
    HeadObject: (call) => headObject(buckets, call),
    DeleteObject: (call) => deleteObject(buckets, call),
    DeleteObjects: (call) => deleteObjects(buckets, call),
    ListObjectsV2: (call) => listObjects(buckets, call),
    ListObjectVersions: (call) => listVersions(buckets, call),
    CreateMultipartUpload: (call) => createUpload(buckets, call),
    UploadPart: (call) => uploadPart(buckets, call),
    AbortMultipartUpload: (call) => abortUpload(buckets, call),
    HeadBucket: (call) => headBucket(buckets, call),
    CreateBucket: (call) => createBucket(buckets, call),
    DeleteBucket: (call) => deleteBucket(buckets, call),
  };
}

type Buckets = Map<string, Bucket>;

/** S3 guide, "General purpose bucket naming rules". */
const NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Implements HeadBucket: without a body, so a missing bucket is only `NotFound`. */
function headBucket(buckets: Buckets, call: SimCall): unknown {
  if (!buckets.has(textOf(call.input, "Bucket"))) throw s3Faults.notFound();
  return { BucketRegion: openBucket(buckets, call).region };
}

/**
 * Implements CreateBucket. API reference: a name that is taken is `BucketAlreadyExists`, and one of one's own
 * `BucketAlreadyOwnedByYou`, but in us-east-1 success; the location has to be that of the endpoint, and is left out in
 * us-east-1.
 */
function createBucket(buckets: Buckets, { input, identity, region }: SimCall): unknown {
  const name = textOf(input, "Bucket");
  if (!NAME.test(name)) throw s3Faults.invalidBucketName();
  const { LocationConstraint: location = "us-east-1" } = Object(input["CreateBucketConfiguration"]);
  if (location !== region) throw s3Faults.wrongLocation(String(location));
  const known = buckets.get(name);
  if (known !== undefined && known.account !== identity.account) throw s3Faults.bucketIsTaken();
  if (known !== undefined && region !== "us-east-1") throw s3Faults.bucketIsYours();
  const made = createEmptyBucket({ name, account: identity.account, region });
  const ownership = findText(input, "ObjectOwnership") ?? "BucketOwnerEnforced";
  // S3 guide, "Blocking public access": on for new buckets since April 2023, as is the owner's enforcement.
  made.settings.set("BucketOwnershipControls", { OwnershipControls: { Rules: [{ ObjectOwnership: ownership }] } });
  made.settings.set("PublicAccessBlock", { PublicAccessBlockConfiguration: BLOCKED });
  if (known === undefined) buckets.set(name, made);
  return { Location: `/${name}` };
}

const BLOCKED = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

/**
 * Implements DeleteBucket: "All objects (including all object versions and delete markers) in the bucket must be
 * deleted".
 */
function deleteBucket(buckets: Buckets, call: SimCall): unknown {
  const { name, objects, versions } = openBucket(buckets, call);
  if (objects.size > 0 || versions.size > 0) throw s3Faults.bucketNotEmpty();
  buckets.delete(name);
  return {};
}
