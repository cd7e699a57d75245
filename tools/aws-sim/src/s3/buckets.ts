import { createHash } from "node:crypto";
import { findText, type NamedResource, type ServiceFaults, type SimCall } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";

interface SignedRequest {
  readonly accessKeyId: string;
  readonly stringToSign: string;
  readonly signature: string;
}

interface EndedUrl {
  readonly expiresSeconds: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  readonly now: number;
}

/** Errors of S3 with their statuses. Source: S3 API reference, "Error responses", "List of error codes". */
export const s3Faults = {
  unknownKey: (AWSAccessKeyId: string) =>
    new SimFault("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.", {
      AWSAccessKeyId,
    }),
  expired: () => new SimFault("ExpiredToken", 400, "The provided token has expired."),
  denied: (who: string, action: string) =>
    new SimFault("AccessDenied", 403, `User: ${who} is not authorized to perform: ${action}`),
  /** As for a statement that denies. */
  deniedExplicitly: (who: string, action: string) =>
    new SimFault(
      "AccessDenied",
      403,
      `User: ${who} is not authorized to perform: ${action} with an explicit deny in a resource-based policy`,
    ),
  wrongSignature: ({ accessKeyId, stringToSign, signature }: SignedRequest) =>
    new SimFault(
      "SignatureDoesNotMatch",
      403,
      "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
      { AWSAccessKeyId: accessKeyId, StringToSign: stringToSign, SignatureProvided: signature },
    ),
  urlExpired: ({ expiresSeconds, expiresAt, now }: EndedUrl) =>
    new SimFault("AccessDenied", 403, "Request has expired", {
      "X-Amz-Expires": expiresSeconds,
      Expires: new Date(expiresAt).toISOString(),
      ServerTime: new Date(now).toISOString(),
    }),
  throttled: () => new SimFault("SlowDown", 503, "Please reduce your request rate."),
  noSuchBucket: (BucketName: string) =>
    new SimFault("NoSuchBucket", 404, "The specified bucket does not exist", { BucketName }),
  noSuchKey: (Key: string) => new SimFault("NoSuchKey", 404, "The specified key does not exist.", { Key }),
  noSuchVersion: (Key: string) => new SimFault("NoSuchVersion", 404, "The specified version does not exist.", { Key }),
  badDigest: (algorithm: string) =>
    new SimFault("BadDigest", 400, `The ${algorithm} you specified did not match the calculated checksum.`),
  noSuchUpload: (UploadId: string) =>
    new SimFault(
      "NoSuchUpload",
      404,
      "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
      { UploadId },
    ),
  invalidPart: (PartNumber: string) =>
    new SimFault(
      "InvalidPart",
      400,
      "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
      { PartNumber },
    ),
  invalidPartOrder: () =>
    new SimFault(
      "InvalidPartOrder",
      400,
      "The list of parts was not in ascending order. Parts must be ordered by part number.",
    ),
  tooSmall: () =>
    new SimFault("EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed object size."),
  tooLarge: () => new SimFault("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed object size."),
  malformedXml: () =>
    new SimFault(
      "MalformedXML",
      400,
      "The XML you provided was not well-formed or did not validate against our published schema.",
    ),
  invalidArgument: (message: string) => new SimFault("InvalidArgument", 400, message),
  invalidRequest: (message: string) => new SimFault("InvalidRequest", 400, message),
  methodNotAllowed: () =>
    new SimFault("MethodNotAllowed", 405, "The specified method is not allowed against this resource."),
  bucketIsYours: () =>
    new SimFault(
      "BucketAlreadyOwnedByYou",
      409,
      "Your previous request to create the named bucket succeeded and you already own it.",
    ),
  bucketIsTaken: () =>
    new SimFault(
      "BucketAlreadyExists",
      409,
      "The requested bucket name is not available. The bucket namespace is shared by all users of the system.",
    ),
  invalidBucketName: () => new SimFault("InvalidBucketName", 400, "The specified bucket is not valid."),
  wrongLocation: (location: string) =>
    new SimFault(
      "IllegalLocationConstraintException",
      400,
      `The ${location} location constraint is incompatible for the region specific endpoint this request was sent to.`,
    ),
  bucketNotEmpty: () => new SimFault("BucketNotEmpty", 409, "The bucket you tried to delete is not empty."),
  notConfigured: (code: string) => new SimFault(code, 404, "The bucket has no such configuration."),
  // A HEAD request has no body that could name the error (API reference, "HeadObject").
  notFound: () => new SimFault("NotFound", 404, "UnknownError"),
  preconditionFailed: (Condition: string) =>
    new SimFault("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold", {
      Condition,
    }),
  notModified: () => new SimFault("304", 304, "UnknownError"),
  keyTooLong: () => new SimFault("KeyTooLongError", 400, "Your key is too long"),
  notImplemented: (Header: string) =>
    new SimFault("NotImplemented", 501, "A header you provided implies functionality that is not implemented", {
      Header,
    }),
  invalidRange: () => new SimFault("InvalidRange", 416, "The requested range is not satisfiable"),
  invalidToken: () => new SimFault("InvalidArgument", 400, "The continuation token provided is incorrect"),
  wrongRegion: (Region: string) =>
    new SimFault(
      "PermanentRedirect",
      301,
      "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
      { Region },
    ),
} satisfies ServiceFaults & Record<string, (...facts: never[]) => SimFault>;

/** An object as it lies there. */
export interface StoredObject {
  readonly key: string;
  /** Its bytes; empty if they are generated on read (`generated`) or were not kept (`discards`). */
  readonly body: Buffer;
  readonly size: number;
  readonly generated?: GeneratedContent;
  /** In quotes, as S3 sends it. */
  readonly etag: string;
  readonly modifiedAt: number;
  readonly contentType: string | undefined;
  /** Other headers with which it is served, by their names in the SDK. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Undefined: it was written while versions were not kept, and is the one called `null`. */
  readonly versionId?: string;
  /** Base64, as it was sent with the object; of parts it is a digest of digests, with their number. */
  readonly checksumSha256?: string;
  readonly encryption: Encryption;
}

/** Bytes that are made when they are read, so that objects of any size take no room. */
export interface GeneratedContent {
  readonly size: number;
  /** Returns the bytes from `from` up to, not including, `end`: always the same ones. */
  read(from: number, end: number): Iterable<Uint8Array>;
}

/** Takes the place of a deleted object (S3 guide, "Working with delete markers"). */
export interface DeleteMarker {
  readonly key: string;
  /** As of an object. */
  readonly versionId?: string;
  readonly modifiedAt: number;
}

/** How an object lies there encrypted: in the headers' names of the SDK. */
interface Encryption {
  readonly ServerSideEncryption: string;
  /** An ARN, an id or an alias of a key, as it was sent. */
  readonly SSEKMSKeyId?: string;
}

/** S3 guide, "Protecting data with server-side encryption": all new objects are encrypted with SSE-S3 at least. */
export const SSE_S3: Encryption = { ServerSideEncryption: "AES256" };

/** A bucket; S3 is strongly consistent, so one map is all (S3 guide, "Amazon S3 data consistency model"). */
export interface Bucket extends NamedResource {
  /** Other accounts that its policy lets in. */
  readonly sharedWith: readonly string[];
  readonly objects: Map<string, StoredObject>;
  /** All versions of all objects and the markers between them, the oldest first; see `findVersion`. */
  readonly versions: Map<string, StoredObject | DeleteMarker>;
  readonly uploads: Map<string, MultipartUpload>;
  /** What was put as its settings, by their names in the API. */
  readonly settings: Map<string, unknown>;
  /** Counts bytes and hashes them, and keeps none. */
  readonly discards: boolean;
  /** Once it was enabled it can only be suspended (S3 guide, "How S3 Versioning works"). */
  versioning: "never" | "enabled" | "suspended";
  /** Tells the default bus of what is written (`EventBridgeConfiguration`). */
  readonly notifies: boolean;
  /** How many versions there have been. */
  written: number;
}

/** A multipart upload that is neither completed nor aborted. */
export interface MultipartUpload {
  readonly uploadId: string;
  readonly key: string;
  readonly contentType: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly encryption: Encryption;
  readonly checksumAlgorithm: string | undefined;
  readonly parts: Map<number, UploadedPart>;
}

/** One part as it lies there. */
export interface UploadedPart {
  readonly body: Buffer;
  readonly size: number;
  /** In quotes. */
  readonly etag: string;
  readonly checksumSha256: string | undefined;
}

/**
 * Returns the MD5 of the content, as for any object that was put in one part, unless it is encrypted with a KMS key:
 * then it is something else (API reference, "Object", ETag).
 */
export function toEtag(body: Buffer, { SSEKMSKeyId, ServerSideEncryption } = SSE_S3): string {
  const secret = ServerSideEncryption === "AES256" ? "" : `${ServerSideEncryption} ${SSEKMSKeyId}`;
  return `"${createHash("md5").update(secret).update(body).digest("hex")}"`;
}

/** Returns the bucket, if the caller may see it, in its region. */
export function openBucket(buckets: ReadonlyMap<string, Bucket>, { input, identity, region }: SimCall): Bucket {
  const name = String(input["Bucket"]);
  const bucket = buckets.get(name);
  if (bucket === undefined) throw s3Faults.noSuchBucket(name);
  if (bucket.account !== identity.account && !bucket.sharedWith.includes(identity.account)) {
    throw s3Faults.denied(identity.arn, "s3");
  }
  // S3 guide, "Verifying bucket ownership with bucket owner condition".
  const owner = input["ExpectedBucketOwner"];
  if (owner !== undefined && owner !== bucket.account) throw s3Faults.denied(identity.arn, "s3");
  if (bucket.region !== region) throw s3Faults.wrongRegion(bucket.region);
  return bucket;
}

/** Compares the bytes of UTF-8, which is how S3 lists (API reference, "ListObjectsV2"; general purpose buckets). */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Creates an empty bucket. */
export function createEmptyBucket({ name, account, region }: NamedResource): Bucket {
  return {
    name,
    account,
    region,
    sharedWith: [],
    objects: new Map(),
    versions: new Map(),
    uploads: new Map(),
    settings: new Map(),
    discards: false,
    versioning: "never",
    notifies: false,
    written: 0,
  };
}

/** A setting of a bucket: the member that carries it, and what is answered when it was not put. */
interface Setting {
  readonly put: string;
  /** The fields of the member are those of the response. Default: the response has the member. */
  readonly isWhole?: boolean;
  /** A code of an error, or an answer. */
  readonly missing: string | object;
}

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
  BucketVersioning: { put: "VersioningConfiguration", isWhole: true, missing: {} },
  BucketPolicy: { put: "Policy", missing: "NoSuchBucketPolicy" },
  BucketEncryption: { put: "ServerSideEncryptionConfiguration", missing: SSE_S3_RULES },
  BucketLifecycleConfiguration: {
    put: "LifecycleConfiguration",
    isWhole: true,
    missing: "NoSuchLifecycleConfiguration",
  },
  BucketAcl: { put: "AccessControlPolicy", isWhole: true, missing: {} },
  BucketTagging: { put: "Tagging", isWhole: true, missing: "NoSuchTagSet" },
};

type Operation = (buckets: ReadonlyMap<string, Bucket>, call: SimCall) => unknown;

/** Put… and Get… of the settings above, by the names of their operations. */
export const settingOperations: Readonly<Record<string, Operation>> = {
  ...Object.fromEntries(
    Object.entries(SETTINGS).flatMap(([name, setting]): [string, Operation][] => [
      [`Put${name}`, (buckets, call) => put(openBucket(buckets, call), name, setting, call)],
      [`Get${name}`, (buckets, call) => get(openBucket(buckets, call), name, setting)],
    ]),
  ),
  GetBucketPolicyStatus(buckets, call) {
    const { settings } = openBucket(buckets, call);
    const policy: unknown = Object(settings.get("BucketPolicy")).Policy;
    if (typeof policy !== "string") throw s3Faults.notConfigured("NoSuchBucketPolicy");
    return { PolicyStatus: { IsPublic: isPublic(policy) } };
  },
};

/** S3 guide, "Blocking public access", "The meaning of public": the conditions whose fixed values make a statement not public. */
const NOT_PUBLIC = [
  ...["aws:PrincipalOrgID", "aws:SourceIp", "aws:SourceArn", "aws:SourceVpc", "aws:SourceVpce", "aws:SourceOwner"],
  ...["aws:SourceAccount", "aws:userid", "s3:x-amz-server-side-encryption-aws-kms-key-id"],
  ...["s3:DataAccessPointArn", "s3:DataAccessPointAccount"],
].map((key) => key.toLowerCase());

/** The same page: allowed to everyone, and no such condition. */
function isPublic(policy: string): boolean {
  const statements: readonly unknown[] = [Object(JSON.parse(policy)).Statement ?? []].flat();
  return statements.some((each) => {
    const { Effect, Principal, Condition } = Object(each);
    const keys = Object.values(Object(Condition ?? {})).flatMap((test) => Object.keys(Object(test)));
    const isBound = keys.some((key) => NOT_PUBLIC.includes(key.toLowerCase()));
    return Effect === "Allow" && !isBound && (Principal === "*" || Object(Principal).AWS === "*");
  });
}

/** Returns why a setting contradicts another one of the bucket. */
function findContradiction({ settings, account }: Bucket, name: string, value: unknown): SimFault | undefined {
  if (name === "BucketLifecycleConfiguration") {
    const rules: readonly object[] = Object(value).Rules ?? [];
    const isMixed = rules.some((each) => "Prefix" in each) && rules.some((each) => "Filter" in each);
    // aws/aws-sdk-ruby#1653, hashicorp/terraform-provider-aws#23299.
    if (isMixed) return s3Faults.invalidRequest("Filter element can only be used in Lifecycle V2.");
  }
  if (name === "BucketOwnershipControls" && Object(value).Rules?.[0]?.ObjectOwnership === "BucketOwnerEnforced") {
    const grants: readonly unknown[] = Object(settings.get("BucketAcl")).AccessControlPolicy?.Grants ?? [];
    // S3 guide, "Error cases for setting Object Ownership to Bucket owner enforced".
    if (grants.some((each) => Object(Object(each).Grantee).ID !== account)) {
      const why = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
      return new SimFault("InvalidBucketAclWithObjectOwnership", 400, why);
    }
  }
  const blocked: unknown = Object(settings.get("PublicAccessBlock")).PublicAccessBlockConfiguration;
  if (name === "BucketPolicy" && Object(blocked).BlockPublicPolicy === true && isPublic(String(value))) {
    return new SimFault(
      "AccessDenied",
      403,
      "public policies are blocked by the BlockPublicPolicy block public access setting.",
    );
  }
  return undefined;
}

function put(bucket: Bucket, name: string, setting: Setting, { input, identity }: SimCall): object {
  // Only the owner can change settings, even if others can read (S3 guide, "Bucket owner granting cross-account permissions").
  if (bucket.account !== identity.account) throw s3Faults.denied(identity.arn, `s3:Put${name}`);
  const value = input[setting.put];
  if (value === undefined) throw s3Faults.malformedXml();
  const contradiction = findContradiction(bucket, name, value);
  if (contradiction !== undefined) throw contradiction;
  bucket.settings.set(name, { [setting.put]: value });
  if (name === "BucketVersioning") bucket.versioning = Object(value).Status === "Enabled" ? "enabled" : "suspended";
  return {};
}

function get({ settings, account }: Bucket, name: string, { put: member, isWhole = false, missing }: Setting): object {
  const value: unknown = Object(settings.get(name))[member];
  if (value !== undefined) return isWhole ? Object(value) : { [member]: value };
  if (name === "BucketAcl") return toPrivateAcl(account);
  if (typeof missing === "string") throw s3Faults.notConfigured(missing);
  return missing;
}

/** S3 guide, "Access control list (ACL) overview": the owner alone. The simulation has account ids in place of canonical ids. */
function toPrivateAcl(ID: string): object {
  return { Owner: { ID }, Grants: [{ Grantee: { ID, Type: "CanonicalUser" }, Permission: "FULL_CONTROL" }] };
}

/** "PutObject", x-amz-server-side-encryption. */
const KINDS = ["AES256", "aws:kms", "aws:kms:dsse", "aws:fsx"];

/**
 * Returns how PutObject requests encryption; the default is SSE-S3. With KMS and no key, S3 uses its own key
 * (`aws/s3`). Source: API reference, "PutObject", x-amz-server-side-encryption and
 * x-amz-server-side-encryption-aws-kms-key-id.
 */
export function toEncryption(input: SimCall["input"]): Encryption {
  const kind = findText(input, "ServerSideEncryption");
  const key = findText(input, "SSEKMSKeyId");
  if (kind === undefined && key === undefined) return SSE_S3;
  if (kind === undefined || !KINDS.includes(kind)) {
    throw new SimFault("InvalidArgument", 400, "The encryption method specified is not supported");
  }
  if (kind === "AES256") {
    if (key === undefined) return SSE_S3;
    const why = "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption";
    throw new SimFault("InvalidArgument", 400, `${why} : aws:kms`);
  }
  return { ServerSideEncryption: kind, SSEKMSKeyId: key ?? "alias/aws/s3" };
}

/** Of all that was written while versions were not kept: each key has one of these at the most (S3 guide, "Version IDs"). */
export const NULL_VERSION = "null";

/**
 * Makes an object the current one of its key. With versioning the older ones stay, each under its id (S3 guide, "How S3
 * Versioning works").
 */
export function keepObject(bucket: Bucket, object: StoredObject): StoredObject {
  const kept = addVersion(bucket, bucket.discards ? { ...object, body: Buffer.alloc(0) } : object);
  bucket.objects.set(kept.key, kept);
  return kept;
}

/** Returns a version of a key; undefined for an unknown id. */
export function findVersion(
  { versions }: Pick<Bucket, "versions">,
  key: string,
  versionId: string,
): StoredObject | DeleteMarker | undefined {
  return versions.get(toSlot(key, versionId));
}

/** Makes a version the newest of its key, with an id of its own where the bucket keeps versions; else it replaces the one called null. */
export function addVersion<Version extends StoredObject | DeleteMarker>(bucket: Bucket, version: Version): Version {
  const kept = bucket.versioning === "enabled" ? { ...version, versionId: nextVersionId(bucket) } : version;
  removeVersion(bucket, kept.key, kept.versionId);
  bucket.versions.set(toSlot(kept.key, kept.versionId), kept);
  return kept;
}

/** Removes a version permanently. */
export function removeVersion({ versions }: Bucket, key: string, versionId?: string): void {
  versions.delete(toSlot(key, versionId));
}

function toSlot(key: string, versionId = NULL_VERSION): string {
  return `${versionId} ${key}`;
}

/** Returns an opaque id of 32 characters. */
function nextVersionId(bucket: Bucket): string {
  bucket.written += 1;
  return createHash("sha256").update(`version ${bucket.written}`).digest("hex").slice(0, 32);
}

/** Returns true for an object, false for a marker that it was deleted. */
export function isObject(version: StoredObject | DeleteMarker): version is StoredObject {
  return "body" in version;
}
