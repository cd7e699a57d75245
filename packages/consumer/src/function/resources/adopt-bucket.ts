import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  HeadBucketCommand,
  ListObjectVersionsCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import { type Clock, isMap, isStackyardError, retry, StackyardError } from "@stackyard/core";
import { type BucketPlace, completeSettings } from "./bucket-settings.ts";
import { type ResourceCall, type ResourceDeps, type ResourceOutcome, refusal, servesNone } from "./resource-answer.ts";

const NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const KEY = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)\/[\w/-]{1,256}$/;
/** Pauses between retries of transient errors, such as a concurrent creation. */
const PAUSES_MS = [1_000, 3_000, 6_000];

/**
 * Creates the consumer's bucket, or adopts an existing one of the account. Missing settings are added and none is weakened.
 * Deletion keeps the bucket unless `EmptyOnDelete` is `true`.
 */
export async function adoptBucket(deps: ResourceDeps, call: ResourceCall): Promise<ResourceOutcome> {
  const { request } = call;
  if (deps.bucket === undefined) throw servesNone();
  if (request.RequestType === "Delete") return removeBucket(deps, call, deps.bucket);
  const { s3 } = deps.bucket();
  const { place, kmsKeyArn } = parseProperties(deps, request.ResourceProperties);
  const isAdopted = await retryTransient(deps, async () => {
    const found = await ensureBucket(s3, place);
    await completeSettings({ s3, place, logger: deps.logger }, { kmsKeyArn, stackId: request.StackId });
    return found;
  });
  return {
    status: "SUCCESS",
    physicalId: place.bucket,
    reason: isAdopted ? "Adopted the existing bucket." : "The bucket was created.",
    data: { Bucket: place.bucket, Adopted: String(isAdopted) },
  };
}

/** Opens S3 only when there is something to delete: a broken configuration must not stop the deletion of a stack. */
async function removeBucket(
  deps: ResourceDeps,
  { request, deadlineAt }: ResourceCall,
  open: () => { readonly s3: S3Client },
): Promise<ResourceOutcome> {
  const bucket = request.PhysicalResourceId ?? "";
  const outcome = {
    status: "SUCCESS",
    physicalId: bucket || request.LogicalResourceId,
    data: { Bucket: bucket },
  } as const;
  const { EmptyOnDelete } = isMap(request.ResourceProperties) ? request.ResourceProperties : {};
  if (String(EmptyOnDelete) !== "true" || !NAME.test(bucket)) {
    return { ...outcome, reason: "The bucket and its objects are kept." };
  }
  const { s3 } = open();
  const place = { account: deps.account, region: deps.region, bucket };
  // A bucket of another account, or a missing one, is not deleted.
  if ((await findBucket(s3, place)) !== "own") return { ...outcome, reason: "This account does not own the bucket." };
  await emptyBucket({ s3, place, clock: deps.clock }, deadlineAt);
  return { ...outcome, reason: "The bucket was emptied and deleted." };
}

function parseProperties(
  { account, region }: ResourceDeps,
  properties: unknown,
): { readonly place: BucketPlace; readonly kmsKeyArn: string | undefined } {
  const { BucketName, BucketPrefix, KmsKeyArn } = isMap(properties) ? properties : {};
  const bucket = BucketName || (BucketPrefix && `${BucketPrefix}-${account}-${region}`);
  if (typeof bucket !== "string" || !NAME.test(bucket)) {
    throw new StackyardError("CONFIG_INVALID", "BucketName must be a valid bucket name of at most 63 characters.");
  }
  const kmsKeyArn = KmsKeyArn || undefined;
  if (kmsKeyArn !== undefined && (typeof kmsKeyArn !== "string" || !KEY.test(kmsKeyArn))) {
    throw new StackyardError("CONFIG_INVALID", "KmsKeyArn must be the ARN of a key.");
  }
  return { place: { account, region, bucket }, kmsKeyArn };
}

async function retryTransient<Result>({ clock }: ResourceDeps, work: () => Promise<Result>): Promise<Result> {
  try {
    return await retry(work, {
      tries: PAUSES_MS.length + 1,
      isRetryable: (error) => (isStackyardError(error) ? error.retryable : findAwsFault(error).kind === "retryable"),
      pause: (failed) => clock.sleep(PAUSES_MS[failed - 1] ?? 0),
    });
  } catch (error) {
    const isRefusal = error instanceof Error && "refusal" in error;
    throw isRefusal ? error : toAwsError(error, "The bucket could not be set up.");
  }
}

/** Creates the bucket if it is missing. Returns true when it existed. Throws `BUCKET_FOREIGN` when another account owns it. */
async function ensureBucket(s3: S3Client, place: BucketPlace): Promise<boolean> {
  const found = await findBucket(s3, place);
  if (found === "foreign") throw foreign(place);
  if (found === "elsewhere") {
    throw refusal("CONFIG_INVALID", `The bucket ${place.bucket} is in another region than ${place.region}.`);
  }
  if (found === "own") return true;
  return create(s3, place);
}

/** Finds the owner of the bucket. Bucket names are unique in a partition ("Bucket naming rules"). */
async function findBucket(
  s3: S3Client,
  { bucket, account }: BucketPlace,
): Promise<"own" | "foreign" | "elsewhere" | "none"> {
  try {
    await s3.send(new HeadBucketCommand({ Bucket: bucket, ExpectedBucketOwner: account }));
    return "own";
  } catch (error) {
    const status = statusOf(error);
    if (status === 404) return "none";
    if (status === 403) return "foreign";
    if (status === 301) return "elsewhere";
    throw error;
  }
}

async function create(s3: S3Client, place: BucketPlace): Promise<boolean> {
  // "CreateBucket": us-east-1 must not be given as a location constraint.
  const LocationConstraint = place.region as BucketLocationConstraint;
  const location = place.region === "us-east-1" ? {} : { CreateBucketConfiguration: { LocationConstraint } };
  try {
    const request = { Bucket: place.bucket, ObjectOwnership: "BucketOwnerEnforced", ...location } as const;
    await s3.send(new CreateBucketCommand(request));
    return false;
  } catch (error) {
    // An earlier attempt succeeded, but its response was lost.
    if (findAwsFault(error).name === "BucketAlreadyOwnedByYou") return false;
    if (findAwsFault(error).name === "BucketAlreadyExists") throw foreign(place);
    throw error;
  }
}

function foreign({ bucket, account }: BucketPlace): Error {
  const why = `S3.HeadBucket was denied. Account ${account} does not own it, or the role may lack s3:ListBucket on it.`;
  const how = "Choose another BucketPrefix, or pass a bucket of your own as TargetBucket.";
  return refusal("BUCKET_FOREIGN", `The bucket ${bucket} cannot be used: ${why} ${how}`);
}

function statusOf(error: unknown): number | undefined {
  const status: unknown = Object(Object(error).$metadata).httpStatusCode;
  return typeof status === "number" ? status : undefined;
}

/** Dependencies of `emptyBucket`. */
interface EmptyBucketDeps {
  readonly s3: S3Client;
  readonly place: BucketPlace;
  readonly clock: Pick<Clock, "now">;
}

/** Reserved for the response. */
const ANSWER_MS = 15_000;

/** Deletes all object versions, a thousand at a time, then the bucket. Throws `TIMED_OUT`; another deletion continues. */
async function emptyBucket({ s3, place, clock }: EmptyBucketDeps, deadlineAt: number): Promise<void> {
  const owned = { Bucket: place.bucket, ExpectedBucketOwner: place.account };
  for (;;) {
    if (clock.now() > deadlineAt - ANSWER_MS) {
      throw refusal("TIMED_OUT", `The bucket ${place.bucket} is not empty yet. Delete the stack again to continue.`);
    }
    const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand(owned));
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
    if (Objects.length === 0) break;
    const { Errors = [] } = await s3.send(new DeleteObjectsCommand({ ...owned, Delete: { Objects, Quiet: true } }));
    const [first] = Errors;
    if (first !== undefined)
      throw refusal("LEFT_BEHIND", `${first.Code}: ${Errors.length} objects could not be deleted.`);
  }
  try {
    await s3.send(new DeleteBucketCommand(owned));
  } catch (error) {
    if (findAwsFault(error).code !== "NOT_FOUND") throw error;
  }
}
