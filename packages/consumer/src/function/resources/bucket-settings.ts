import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  type LifecycleRule,
  type PublicAccessBlockConfiguration,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
  type Tag,
} from "@aws-sdk/client-s3";
import { asProbe, findAwsFault, toPartition } from "@stackyard/aws";
import { isMap, type Logger, StackyardError } from "@stackyard/core";
import type { JsonObject } from "../../decide-message.ts";

/** Dependencies of the bucket settings. */
interface SettingsDeps {
  readonly s3: S3Client;
  readonly place: BucketPlace;
  readonly logger: Logger;
}

/** Settings that depend on the stack. */
interface WantedSettings {
  readonly kmsKeyArn: string | undefined;
  readonly stackId: string;
}

/** Adds missing settings; stricter and foreign ones are kept. Each step is idempotent. */
export async function completeSettings(deps: SettingsDeps, wanted: WantedSettings): Promise<void> {
  const { s3, place } = deps;
  const owned = { Bucket: place.bucket, ExpectedBucketOwner: place.account };
  await blockPublicAccess(s3, owned);
  await enforceOwner(s3, owned);
  await keepVersions(s3, owned);
  await encrypt(s3, owned, wanted);
  await endUploads(s3, owned);
  await askForTls(s3, owned, place);
  await addTags(deps, owned, wanted);
}

/** The bucket in a request. */
interface OwnedBucket {
  readonly Bucket: string;
  readonly ExpectedBucketOwner: string;
}

async function blockPublicAccess(s3: S3Client, owned: OwnedBucket): Promise<void> {
  const found = await unlessMissing(s3.send(new GetPublicAccessBlockCommand(owned)));
  if (hasAllBlocked(found?.PublicAccessBlockConfiguration)) return;
  const all = { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true };
  await s3.send(new PutPublicAccessBlockCommand({ ...owned, PublicAccessBlockConfiguration: all }));
}

async function enforceOwner(s3: S3Client, owned: OwnedBucket): Promise<void> {
  const found = await unlessMissing(s3.send(new GetBucketOwnershipControlsCommand(owned)));
  if (found?.OwnershipControls?.Rules?.[0]?.ObjectOwnership === "BucketOwnerEnforced") return;
  const OwnershipControls = { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" as const }] };
  await s3.send(new PutBucketOwnershipControlsCommand({ ...owned, OwnershipControls }));
}

async function keepVersions(s3: S3Client, owned: OwnedBucket): Promise<void> {
  const { Status } = await s3.send(new GetBucketVersioningCommand(owned));
  if (Status === "Enabled") return;
  await s3.send(new PutBucketVersioningCommand({ ...owned, VersioningConfiguration: { Status: "Enabled" } }));
}

/** Keeps a configured KMS key. S3 encrypts every bucket at least with its own keys ("Default encryption"). */
async function encrypt(s3: S3Client, owned: OwnedBucket, { kmsKeyArn }: WantedSettings): Promise<void> {
  const found = await unlessMissing(s3.send(new GetBucketEncryptionCommand(owned)));
  const current = found?.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault;
  if (current?.KMSMasterKeyID !== undefined || (current !== undefined && kmsKeyArn === undefined)) return;
  const aes = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } } as const;
  const byKey = { SSEAlgorithm: "aws:kms", KMSMasterKeyID: kmsKeyArn } as const;
  const kms = { ApplyServerSideEncryptionByDefault: byKey, BucketKeyEnabled: true };
  const Rules = [kmsKeyArn === undefined ? aes : kms];
  await s3.send(new PutBucketEncryptionCommand({ ...owned, ServerSideEncryptionConfiguration: { Rules } }));
}

async function endUploads(s3: S3Client, owned: OwnedBucket): Promise<void> {
  const found = await unlessMissing(s3.send(new GetBucketLifecycleConfigurationCommand(owned)));
  const Rules = completeRules(found?.Rules ?? []);
  if (Rules === undefined) return;
  await s3.send(new PutBucketLifecycleConfigurationCommand({ ...owned, LifecycleConfiguration: { Rules } }));
}

async function askForTls(s3: S3Client, owned: OwnedBucket, place: BucketPlace): Promise<void> {
  const found = await unlessMissing(s3.send(new GetBucketPolicyCommand(owned)));
  const Policy = completePolicy(found?.Policy, place);
  if (Policy !== undefined) await s3.send(new PutBucketPolicyCommand({ ...owned, Policy }));
}

/** Adds tags if possible. Nothing depends on them, so a bucket with 50 tags or with AWS tags is accepted. */
async function addTags({ s3, logger }: SettingsDeps, owned: OwnedBucket, { stackId }: WantedSettings): Promise<void> {
  const found = await unlessMissing(s3.send(new GetBucketTaggingCommand(owned)));
  const TagSet = completeTags(found?.TagSet ?? [], stackId);
  if (TagSet === undefined) return;
  try {
    await s3.send(asProbe(new PutBucketTaggingCommand({ ...owned, Tagging: { TagSet } })));
  } catch (error) {
    logger.warn("The bucket could not be tagged.", { error });
  }
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

const ABORT_DAYS = 7;
const MAX_TAGS = 50;
const TLS_ONLY = "StackyardTlsOnly";

/** Returns true when all public access is blocked. */
export function hasAllBlocked(found: PublicAccessBlockConfiguration | undefined): boolean {
  const { BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets } = found ?? {};
  return [BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets].every((each) => each === true);
}

/** Adds a rule that aborts incomplete uploads. Returns undefined when an equal or stricter rule exists. */
export function completeRules(rules: readonly LifecycleRule[]): LifecycleRule[] | undefined {
  if (rules.some(endsUploads)) return undefined;
  const own: LifecycleRule = {
    ID: "stackyard-end-uploads",
    Status: "Enabled",
    Filter: { Prefix: "" },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: ABORT_DAYS },
  };
  return [...rules.filter(({ ID }) => ID !== own.ID), own];
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

/** Adds our tags. Returns undefined when they exist or do not fit. The tag of the first stack is kept. */
export function completeTags(tags: readonly Tag[], stackId: string): Tag[] | undefined {
  const own = [
    { Key: "stackyard:part", Value: "consumer" },
    { Key: "stackyard:stack", Value: stackId.slice(0, 256) },
  ];
  const missing = own.filter(({ Key }) => !tags.some((tag) => tag.Key === Key));
  if (missing.length === 0 || tags.length + missing.length > MAX_TAGS) return undefined;
  return [...tags, ...missing];
}

/** A bucket and the account and region that must own it. */
export interface BucketPlace {
  readonly account: string;
  readonly region: string;
  readonly bucket: string;
}
