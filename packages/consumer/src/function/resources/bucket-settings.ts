import {
  GetBucketAclCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  type LifecycleRule,
  type PublicAccessBlockConfiguration,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  type PutBucketLifecycleConfigurationCommandInput,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
  type ServerSideEncryptionByDefault,
  type ServerSideEncryptionRule,
  type Tag,
  type TransitionDefaultMinimumObjectSize,
} from "@aws-sdk/client-s3";
import { type AnswerPolicy, asProbe, findAwsFault, toAnswer } from "@stackyard/aws";
import { defined, isMap, keepStart, type Logger, StackyardError, toPartition } from "@stackyard/core";
import type { JsonObject } from "../../decide-message.ts";

/** Dependencies of the bucket settings. */
interface SettingsDeps {
  readonly s3: S3Client;
  readonly place: BucketPlace;
  readonly logger: Logger;
}

/** Settings that depend on the stack. */
interface WantedSettings extends WantedTags {
  readonly kmsKeyArn: string | undefined;
}

/**
 * Adds missing settings; stricter and foreign ones are kept. Each write is idempotent. Reads everything first: throws
 * `CONFIG_INVALID` with what to do, before the first write, when S3 would refuse one of them.
 */
export async function completeSettings({ s3, place, logger }: SettingsDeps, wanted: WantedSettings): Promise<void> {
  const owned = toOwned(place);
  const found = await readSettings(s3, owned);
  const missing = planSettings(found, place, wanted);
  const obstacle = findObstacle(await readObstacles(s3, owned, missing), missing);
  if (obstacle !== undefined) {
    throw new StackyardError("CONFIG_INVALID", `The bucket ${place.bucket} cannot be adopted: ${obstacle}`);
  }
  await write(s3, owned, missing);
  await addTags({ s3, logger, owned }, missing.tags);
}

/**
 * Tags a bucket that the stack has just created, before anything else: a process that stops afterwards leaves a bucket
 * which the next one knows as the stack's own.
 */
export async function tagCreated({ s3, place, logger }: SettingsDeps, wanted: WantedTags): Promise<void> {
  const owned = toOwned(place);
  await addTags({ s3, logger, owned }, completeTags(await readTags(s3, owned), wanted));
}

/** The bucket in a request. */
interface OwnedBucket {
  readonly Bucket: string;
  readonly ExpectedBucketOwner: string;
}

function toOwned({ bucket, account }: BucketPlace): OwnedBucket {
  return { Bucket: bucket, ExpectedBucketOwner: account };
}

async function readTags(s3: S3Client, owned: OwnedBucket): Promise<readonly Tag[]> {
  return (await unlessMissing(s3.send(new GetBucketTaggingCommand(owned))))?.TagSet ?? [];
}

/** The settings of a bucket; undefined: not set. */
interface FoundSettings {
  readonly publicAccess: PublicAccessBlockConfiguration | undefined;
  readonly ownership: string | undefined;
  readonly versioning: string | undefined;
  readonly encryption: ServerSideEncryptionByDefault | undefined;
  readonly rules: readonly LifecycleRule[];
  readonly minimumSize: TransitionDefaultMinimumObjectSize | undefined;
  readonly policy: string | undefined;
  readonly tags: readonly Tag[];
}

async function readSettings(s3: S3Client, owned: OwnedBucket): Promise<FoundSettings> {
  const access = await unlessMissing(s3.send(new GetPublicAccessBlockCommand(owned)));
  const ownership = await unlessMissing(s3.send(new GetBucketOwnershipControlsCommand(owned)));
  const { Status: versioning } = await s3.send(new GetBucketVersioningCommand(owned));
  const encryption = await unlessMissing(s3.send(new GetBucketEncryptionCommand(owned)));
  const lifecycle = await unlessMissing(s3.send(new GetBucketLifecycleConfigurationCommand(owned)));
  const policy = await unlessMissing(s3.send(new GetBucketPolicyCommand(owned)));
  const tags = await readTags(s3, owned);
  const [rule] = encryption?.ServerSideEncryptionConfiguration?.Rules ?? [];
  return {
    publicAccess: access?.PublicAccessBlockConfiguration,
    ownership: ownership?.OwnershipControls?.Rules?.[0]?.ObjectOwnership,
    versioning,
    encryption: rule?.ApplyServerSideEncryptionByDefault,
    rules: lifecycle?.Rules ?? [],
    minimumSize: lifecycle?.TransitionDefaultMinimumObjectSize,
    policy: policy?.Policy,
    tags,
  };
}

/** The settings to write; undefined: nothing. */
interface MissingSettings {
  readonly blocksAccess: boolean;
  readonly enforcesOwner: boolean;
  readonly keepsVersions: boolean;
  readonly encryption: ServerSideEncryptionRule | undefined;
  readonly lifecycle: LifecycleInput | undefined;
  readonly policy: string | undefined;
  readonly tags: Tag[] | undefined;
}

type LifecycleInput = Pick<
  PutBucketLifecycleConfigurationCommandInput,
  "LifecycleConfiguration" | "TransitionDefaultMinimumObjectSize"
>;

function planSettings(found: FoundSettings, place: BucketPlace, wanted: WantedSettings): MissingSettings {
  const Rules = completeRules(found.rules);
  // Without it, a write resets it to its default ("PutBucketLifecycleConfiguration").
  const minimum = defined({ TransitionDefaultMinimumObjectSize: found.minimumSize });
  return {
    blocksAccess: !hasAllBlocked(found.publicAccess),
    enforcesOwner: found.ownership !== "BucketOwnerEnforced",
    keepsVersions: found.versioning !== "Enabled",
    encryption: planEncryption(found.encryption, wanted),
    lifecycle: Rules && { LifecycleConfiguration: { Rules }, ...minimum },
    policy: completePolicy(found.policy, place),
    tags: completeTags(found.tags, wanted),
  };
}

/** Keeps a configured KMS key. S3 encrypts every bucket at least with its own keys ("Default encryption"). */
function planEncryption(
  found: ServerSideEncryptionByDefault | undefined,
  { kmsKeyArn }: WantedSettings,
): ServerSideEncryptionRule | undefined {
  if (found?.KMSMasterKeyID !== undefined || (found !== undefined && kmsKeyArn === undefined)) return undefined;
  if (kmsKeyArn === undefined) return { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } };
  const byKey = { SSEAlgorithm: "aws:kms", KMSMasterKeyID: kmsKeyArn } as const;
  return { ApplyServerSideEncryptionByDefault: byKey, BucketKeyEnabled: true };
}

/** Why S3 may refuse a write. */
interface Obstacles {
  /** Grants of the ACL to others than the owner. */
  readonly grants: number;
  readonly isPublic: boolean;
}

/** Reads only what concerns a missing setting. */
async function readObstacles(
  s3: S3Client,
  owned: OwnedBucket,
  { enforcesOwner, policy }: MissingSettings,
): Promise<Obstacles> {
  const acl = enforcesOwner ? await s3.send(new GetBucketAclCommand(owned)) : undefined;
  const status =
    policy === undefined ? undefined : await unlessMissing(s3.send(new GetBucketPolicyStatusCommand(owned)));
  const own = acl?.Owner?.ID;
  const others = (acl?.Grants ?? []).filter(({ Grantee }) => Grantee?.ID === undefined || Grantee.ID !== own);
  return { grants: others.length, isPublic: status?.PolicyStatus?.IsPublic ?? false };
}

/** S3 guide, "Bucket policies": 20 KB. */
const MAX_POLICY_BYTES = 20_480;
const OR_ANOTHER = "Or pass another bucket as TargetBucket.";

/** Returns what S3 would refuse, and what to do about it. */
function findObstacle({ grants, isPublic }: Obstacles, { policy = "" }: MissingSettings): string | undefined {
  // "Error cases for setting Object Ownership to Bucket owner enforced": InvalidBucketAclWithObjectOwnership.
  if (grants > 0) {
    return `its ACL grants access to others (${grants}). Grant it in the bucket policy, and reset the ACL: \`aws s3api put-bucket-acl --acl private\`. ${OR_ANOTHER}`;
  }
  // "Blocking public access": BlockPublicPolicy rejects a public policy, also one that only gains a statement.
  if (isPublic) return `its policy makes it public. Remove the statements that do. ${OR_ANOTHER}`;
  if (Buffer.byteLength(policy) > MAX_POLICY_BYTES) {
    return `its policy has no room for the statement that denies requests without TLS (20 KB). Shorten it. ${OR_ANOTHER}`;
  }
  return undefined;
}

async function write(s3: S3Client, owned: OwnedBucket, missing: MissingSettings): Promise<void> {
  const { encryption, lifecycle, policy } = missing;
  if (missing.blocksAccess) {
    await s3.send(new PutPublicAccessBlockCommand({ ...owned, PublicAccessBlockConfiguration: ALL_BLOCKED }));
  }
  if (missing.enforcesOwner) {
    const OwnershipControls = { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" as const }] };
    await s3.send(new PutBucketOwnershipControlsCommand({ ...owned, OwnershipControls }));
  }
  if (missing.keepsVersions) {
    await s3.send(new PutBucketVersioningCommand({ ...owned, VersioningConfiguration: { Status: "Enabled" } }));
  }
  if (encryption !== undefined) {
    const ServerSideEncryptionConfiguration = { Rules: [encryption] };
    await s3.send(new PutBucketEncryptionCommand({ ...owned, ServerSideEncryptionConfiguration }));
  }
  if (lifecycle !== undefined) {
    await s3.send(new PutBucketLifecycleConfigurationCommand({ ...owned, ...lifecycle }));
  }
  if (policy !== undefined) await s3.send(new PutBucketPolicyCommand({ ...owned, Policy: policy }));
}

interface TagDeps {
  readonly s3: S3Client;
  readonly logger: Logger;
  readonly owned: OwnedBucket;
}

/** Credentials that have expired are renewed by the next call. */
export const RENEWED: AnswerPolicy = { passing: ["UNAUTHENTICATED"] };

/** Adds tags if possible: a bucket with 50 tags or with AWS tags is accepted, and is never emptied. */
async function addTags({ s3, logger, owned }: TagDeps, TagSet: Tag[] | undefined): Promise<void> {
  if (TagSet === undefined) return;
  try {
    await s3.send(asProbe(new PutBucketTaggingCommand({ ...owned, Tagging: { TagSet } })));
  } catch (error) {
    // The tag says whose the bucket is: it is given up only for a reason that stays.
    if (["passing", "gone"].includes(toAnswer(error, RENEWED))) throw error;
    logger.warn("The bucket could not be tagged.", { error });
  }
}

/** Returns true if the stack may empty and delete the bucket: its own tag says so. */
export async function mayEmpty(s3: S3Client, place: BucketPlace, stackId: string): Promise<boolean> {
  const tags = await readTags(s3, toOwned(place));
  return tags.some(({ Key, Value }) => Key === EMPTY_TAG && Value === toTagValue(stackId));
}

/** Returns undefined for a missing setting: S3 returns a 404 with a different error name for each. */
async function unlessMissing<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    const name = findAwsFault(error).name ?? "";
    if (MISSING.test(name)) return undefined;
    throw error;
  }
}

const MISSING = /^(NoSuch(?!Bucket$)|OwnershipControlsNotFound|ServerSideEncryptionConfigurationNotFound)/;

const ALL_BLOCKED = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};
const ABORT_DAYS = 7;
const MAX_RULES = 1_000;
const MAX_TAGS = 50;
const OWN_RULE = "stackyard-end-uploads";
const EMPTY_TAG = "stackyard:empty-on-delete";
const TLS_ONLY = "StackyardTlsOnly";

/** Returns true when all public access is blocked. */
export function hasAllBlocked(found: PublicAccessBlockConfiguration | undefined): boolean {
  const { BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets } = found ?? {};
  return [BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets].every((each) => each === true);
}

/**
 * Adds a rule that aborts incomplete uploads. Returns undefined when an equal or stricter rule exists, or when the limit of rules
 * is reached. S3 rejects rules of the old form (`Prefix`) together with those of the new one (`Filter`), so the form is that of the others.
 */
export function completeRules(rules: readonly LifecycleRule[]): LifecycleRule[] | undefined {
  const others = rules.filter(({ ID }) => ID !== OWN_RULE);
  if (rules.some(endsUploads) || others.length >= MAX_RULES) return undefined;
  const isOld = others.some(({ Prefix }) => Prefix !== undefined);
  const own: LifecycleRule = {
    ID: OWN_RULE,
    Status: "Enabled",
    ...(isOld ? { Prefix: "" } : { Filter: { Prefix: "" } }),
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: ABORT_DAYS },
  };
  return [...others, own];
}

function endsUploads({ Status, Filter, Prefix, AbortIncompleteMultipartUpload }: LifecycleRule): boolean {
  const { DaysAfterInitiation = Number.POSITIVE_INFINITY } = AbortIncompleteMultipartUpload ?? {};
  const isForAll = Object.values(Filter ?? {}).every((part) => part === undefined || part === "") && !Prefix;
  return Status === "Enabled" && isForAll && DaysAfterInitiation <= ABORT_DAYS;
}

/** Adds a statement that denies requests without TLS. Returns undefined when it exists. Other statements are kept. */
export function completePolicy(text: string | undefined, { bucket, region }: BucketPlace): string | undefined {
  const policy = text === undefined ? { Version: "2012-10-17" } : parsePolicy(text, bucket);
  const statements = toList(policy["Statement"]);
  if (statements.some(isTlsOnly)) return undefined;
  const arn = `arn:${toPartition(region)}:s3:::${bucket}`;
  const own = {
    Sid: TLS_ONLY,
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [arn, `${arn}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
  return JSON.stringify({ ...policy, Statement: [...statements, own] });
}

/** Detects our own statement only; a second denial does no harm. */
function isTlsOnly(statement: unknown): boolean {
  return isMap(statement) && statement["Sid"] === TLS_ONLY && statement["Effect"] === "Deny";
}

function parsePolicy(text: string, bucket: string): JsonObject {
  const policy: unknown = JSON.parse(text);
  if (isMap(policy)) return policy;
  throw new StackyardError("CONFIG_INVALID", `The policy of the bucket ${bucket} cannot be read.`);
}

function toList(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** The stack of the tags. `empties`: whether it may empty the bucket; undefined leaves that unchanged. */
export interface WantedTags {
  readonly stackId: string;
  readonly empties: boolean | undefined;
}

/** Returns the tags with ours; undefined when they are complete or do not fit. The tag of the first stack is kept. */
export function completeTags(tags: readonly Tag[], { stackId, empties }: WantedTags): Tag[] | undefined {
  const own = toTagValue(stackId);
  const kept = tags.filter(({ Key, Value }) => Key !== EMPTY_TAG || (empties !== true && Value !== own));
  const left = empties === undefined ? tags : kept;
  const wanted = [
    { Key: "stackyard:part", Value: "consumer" },
    { Key: "stackyard:stack", Value: own },
    ...(empties === true ? [{ Key: EMPTY_TAG, Value: own }] : []),
  ];
  const complete = [...left, ...wanted.filter(({ Key }) => !left.some((tag) => tag.Key === Key))];
  const isSame = complete.length === tags.length && complete.every((tag) => tags.some((each) => isSameTag(each, tag)));
  return isSame || complete.length > MAX_TAGS ? undefined : complete;
}

function isSameTag(one: Tag, other: Tag): boolean {
  return one.Key === other.Key && one.Value === other.Value;
}

function toTagValue(stackId: string): string {
  return keepStart(stackId, 256);
}

/** A bucket and the account and region that must own it. */
export interface BucketPlace {
  readonly account: string;
  readonly region: string;
  readonly bucket: string;
}
