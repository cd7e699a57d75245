import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { findAwsFault } from "@stackyard/aws";
import type { Logger } from "@stackyard/core";
import type { BucketPlace } from "./bucket-place.ts";
import { completePolicy, completeRules, completeTags, hasAllBlocked } from "./missing-settings.ts";

/** What the settings of a bucket are read and written with. */
export interface SettingsDeps {
  readonly s3: S3Client;
  readonly place: BucketPlace;
  readonly logger: Logger;
}

/** What differs from stack to stack. */
export interface WantedSettings {
  readonly kmsKeyArn: string | undefined;
  readonly stackId: string;
}

/** Adds what is missing, and leaves what is stricter or of somebody else. Each step may be done again. */
export async function completeSettings(deps: SettingsDeps, wanted: WantedSettings): Promise<void> {
  await blockPublicAccess(deps);
  await enforceOwner(deps);
  await keepVersions(deps);
  await encrypt(deps, wanted);
  await endUploads(deps);
  await askForTls(deps);
  await addTags(deps, wanted);
}

function ownedBy({ place }: SettingsDeps) {
  return { Bucket: place.bucket, ExpectedBucketOwner: place.account };
}

async function blockPublicAccess(deps: SettingsDeps): Promise<void> {
  const owned = ownedBy(deps);
  const found = await unlessMissing(deps.s3.send(new GetPublicAccessBlockCommand(owned)));
  if (hasAllBlocked(found?.PublicAccessBlockConfiguration)) return;
  const all = { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true };
  await deps.s3.send(new PutPublicAccessBlockCommand({ ...owned, PublicAccessBlockConfiguration: all }));
}

async function enforceOwner(deps: SettingsDeps): Promise<void> {
  const owned = ownedBy(deps);
  const found = await unlessMissing(deps.s3.send(new GetBucketOwnershipControlsCommand(owned)));
  if (found?.OwnershipControls?.Rules?.[0]?.ObjectOwnership === "BucketOwnerEnforced") return;
  const OwnershipControls = { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" as const }] };
  await deps.s3.send(new PutBucketOwnershipControlsCommand({ ...owned, OwnershipControls }));
}

async function keepVersions(deps: SettingsDeps): Promise<void> {
  const owned = ownedBy(deps);
  const { Status } = await deps.s3.send(new GetBucketVersioningCommand(owned));
  if (Status === "Enabled") return;
  await deps.s3.send(new PutBucketVersioningCommand({ ...owned, VersioningConfiguration: { Status: "Enabled" } }));
}

/** A key that somebody has chosen stays. Every bucket is encrypted with keys of S3 at the least ("Default encryption"). */
async function encrypt(deps: SettingsDeps, { kmsKeyArn }: WantedSettings): Promise<void> {
  const owned = ownedBy(deps);
  const found = await unlessMissing(deps.s3.send(new GetBucketEncryptionCommand(owned)));
  const current = found?.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault;
  if (current?.KMSMasterKeyID !== undefined || (current !== undefined && kmsKeyArn === undefined)) return;
  const algorithm =
    kmsKeyArn === undefined
      ? { SSEAlgorithm: "AES256" as const }
      : { SSEAlgorithm: "aws:kms" as const, KMSMasterKeyID: kmsKeyArn };
  const Rules = [
    { ApplyServerSideEncryptionByDefault: algorithm, ...(kmsKeyArn === undefined ? {} : { BucketKeyEnabled: true }) },
  ];
  await deps.s3.send(new PutBucketEncryptionCommand({ ...owned, ServerSideEncryptionConfiguration: { Rules } }));
}

async function endUploads(deps: SettingsDeps): Promise<void> {
  const owned = ownedBy(deps);
  const found = await unlessMissing(deps.s3.send(new GetBucketLifecycleConfigurationCommand(owned)));
  const Rules = completeRules(found?.Rules ?? []);
  if (Rules === undefined) return;
  await deps.s3.send(new PutBucketLifecycleConfigurationCommand({ ...owned, LifecycleConfiguration: { Rules } }));
}

async function askForTls(deps: SettingsDeps): Promise<void> {
  const owned = ownedBy(deps);
  const found = await unlessMissing(deps.s3.send(new GetBucketPolicyCommand(owned)));
  const Policy = completePolicy(found?.Policy, deps.place);
  if (Policy !== undefined) await deps.s3.send(new PutBucketPolicyCommand({ ...owned, Policy }));
}

/** Nothing depends on tags: a bucket that has its fifty, or tags of AWS that nobody may write, is used as it is. */
async function addTags(deps: SettingsDeps, { stackId }: WantedSettings): Promise<void> {
  const owned = ownedBy(deps);
  const found = await unlessMissing(deps.s3.send(new GetBucketTaggingCommand(owned)));
  const TagSet = completeTags(found?.TagSet ?? [], stackId);
  if (TagSet === undefined) return;
  try {
    await deps.s3.send(new PutBucketTaggingCommand({ ...owned, Tagging: { TagSet } }));
  } catch (error) {
    deps.logger.warn("The bucket has no tags of the consumer.", { error });
  }
}

/** S3 answers 404 with a name of its own for each setting that was never made. */
async function unlessMissing<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    const name = findAwsFault(error).name ?? "";
    const isMissing = /^(NoSuch(?!Bucket$)|OwnershipControlsNotFound|ServerSideEncryptionConfigurationNotFound)/.test(
      name,
    );
    if (isMissing) return undefined;
    throw error;
  }
}
