import type { SimCall } from "../sim-call.ts";
import { type Bucket, openBucket } from "./buckets.ts";
import { s3Faults } from "./s3-faults.ts";

/** A setting of a bucket: the member that carries it, and what is answered when it was not put. */
interface Setting {
  readonly put: string;
  /** Where the answer has another shape than what was put. Default: the same member. */
  readonly get?: (value: unknown) => object;
  /** A code of an error, or an answer. */
  readonly missing: string | object;
}

const same = (value: unknown): object => Object(value);
/** S3 guide, "Setting default server-side encryption": new buckets have SSE-S3. */
const SSE_S3_RULES = {
  ServerSideEncryptionConfiguration: {
    Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" }, BucketKeyEnabled: false }],
  },
};

/** API reference: Put… and Get… of each, and the errors of Get. */
const SETTINGS: Readonly<Record<string, Setting>> = {
  PublicAccessBlock: { put: "PublicAccessBlockConfiguration", missing: "NoSuchPublicAccessBlockConfiguration" },
  BucketOwnershipControls: { put: "OwnershipControls", missing: "OwnershipControlsNotFoundError" },
  BucketVersioning: { put: "VersioningConfiguration", get: same, missing: {} },
  BucketPolicy: { put: "Policy", missing: "NoSuchBucketPolicy" },
  BucketEncryption: { put: "ServerSideEncryptionConfiguration", missing: SSE_S3_RULES },
  BucketLifecycleConfiguration: {
    put: "LifecycleConfiguration",
    get: same,
    missing: "NoSuchLifecycleConfiguration",
  },
  BucketTagging: { put: "Tagging", get: same, missing: "NoSuchTagSet" },
  BucketNotificationConfiguration: { put: "NotificationConfiguration", get: same, missing: {} },
};

type Operation = (buckets: ReadonlyMap<string, Bucket>, call: SimCall) => unknown;

/** Put… and Get… of the settings above, by the names of their operations. */
export const settingOperations: Readonly<Record<string, Operation>> = Object.fromEntries(
  Object.entries(SETTINGS).flatMap(([name, setting]): [string, Operation][] => [
    [`Put${name}`, (buckets, call) => put(openBucket(buckets, call), name, setting, call)],
    [`Get${name}`, (buckets, call) => get(openBucket(buckets, call), name, setting)],
  ]),
);

function put(bucket: Bucket, name: string, setting: Setting, { input, identity }: SimCall): object {
  // Settings are the owner's matter, whoever else may read (S3 guide, "Bucket owner granting cross-account permissions").
  if (bucket.account !== identity.account) throw s3Faults.denied(identity.arn, `s3:Put${name}`);
  const value = input[setting.put];
  if (value === undefined) throw s3Faults.malformedXml();
  bucket.settings.set(name, { [setting.put]: value });
  if (name === "BucketVersioning") bucket.versioning = Object(value).Status === "Enabled" ? "enabled" : "suspended";
  if (name === "BucketNotificationConfiguration") {
    bucket.notifies = Object(value).EventBridgeConfiguration !== undefined;
  }
  return {};
}

function get({ settings }: Bucket, name: string, { put: member, get: toAnswer, missing }: Setting): object {
  const value: unknown = Object(settings.get(name))[member];
  if (value !== undefined) return toAnswer === undefined ? { [member]: value } : toAnswer(value);
  if (typeof missing === "string") throw s3Faults.notConfigured(missing);
  return missing;
}
