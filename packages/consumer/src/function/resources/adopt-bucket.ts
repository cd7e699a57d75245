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
import { type Clock, isStackyardError, StackyardError } from "@stackyard/core";
import { isObject } from "../../decide-message.ts";
import { type BucketPlace, completeSettings } from "./bucket-settings.ts";
import {
  type ResourceCall,
  type ResourceDeps,
  type ResourceOutcome,
  refusal,
  servesNone,
  wasNeverMade,
} from "./resource-answer.ts";

const NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const KEY = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)\/[\w/-]{1,256}$/;
/** What S3 is still busy with, such as a creation of the same moment, is over soon. */
const PAUSES_MS = [1_000, 3_000, 6_000];

/**
 * The consumer's bucket: made where there is none, taken as it is where the account has one of that name, its settings
 * completed and none of them loosened. Deletion keeps it, unless `EmptyOnDelete` is `true`.
 */
export async function adoptBucket(deps: ResourceDeps, call: ResourceCall): Promise<ResourceOutcome> {
  const { request } = call;
  if (deps.bucket === undefined) throw servesNone();
  const { s3 } = deps.bucket();
  if (request.RequestType === "Delete") return removeBucket(deps, call, s3);
  const { place, kmsKeyArn } = parseProperties(deps, request.ResourceProperties);
  const isAdopted = await insist(deps, async () => {
    const found = await ensureBucket(s3, place);
    await completeSettings({ s3, place, logger: deps.logger }, { kmsKeyArn, stackId: request.StackId });
    return found;
  });
  return {
    status: "SUCCESS",
    physicalId: place.bucket,
    reason: isAdopted ? "The bucket was there and is used." : "The bucket was created.",
    data: { Bucket: place.bucket, Adopted: String(isAdopted) },
  };
}

async function removeBucket(deps: ResourceDeps, { request, deadlineAt }: ResourceCall, s3: S3Client) {
  const bucket = request.PhysicalResourceId ?? "";
  const outcome = {
    status: "SUCCESS",
    physicalId: bucket || request.LogicalResourceId,
    data: { Bucket: bucket },
  } as const;
  const { EmptyOnDelete } = isObject(request.ResourceProperties) ? request.ResourceProperties : {};
  if (wasNeverMade(request) || String(EmptyOnDelete) !== "true" || !NAME.test(bucket)) {
    return { ...outcome, reason: "The bucket and its objects stay." };
  }
  const place = { account: deps.account, region: deps.region, bucket };
  // One of somebody else, or none: there is nothing to remove.
  if ((await findBucket(s3, place)) !== "own")
    return { ...outcome, reason: "There is no such bucket of this account." };
  await emptyBucket({ s3, place, clock: deps.clock }, deadlineAt);
  return { ...outcome, reason: "The bucket was emptied and deleted." };
}

function parseProperties(
  { account, region }: ResourceDeps,
  properties: unknown,
): { readonly place: BucketPlace; readonly kmsKeyArn: string | undefined } {
  const { BucketName, BucketPrefix, KmsKeyArn } = isObject(properties) ? properties : {};
  const bucket = BucketName || (BucketPrefix && `${BucketPrefix}-${account}-${region}`);
  if (typeof bucket !== "string" || !NAME.test(bucket)) {
    throw new StackyardError("CONFIG_INVALID", "BucketName must be the name of a bucket, of 63 characters at most.");
  }
  const kmsKeyArn = KmsKeyArn || undefined;
  if (kmsKeyArn !== undefined && (typeof kmsKeyArn !== "string" || !KEY.test(kmsKeyArn))) {
    throw new StackyardError("CONFIG_INVALID", "KmsKeyArn must be the ARN of a key.");
  }
  return { place: { account, region, bucket }, kmsKeyArn };
}

async function insist<Result>({ clock }: ResourceDeps, work: () => Promise<Result>): Promise<Result> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const pauseMs = PAUSES_MS[tries];
      const isPassing = isStackyardError(error) ? error.retryable : findAwsFault(error).kind === "retryable";
      if (pauseMs === undefined || !isPassing) throw toError(error);
      await clock.sleep(pauseMs);
    }
  }
}

/** Refusals of ours stay as they are. */
function toError(error: unknown): unknown {
  return error instanceof Error && "refusal" in error ? error : toAwsError(error, "The bucket could not be set up.");
}

/** Makes the bucket unless it is there. True: it was. Throws `BUCKET_FOREIGN` where another account has the name. */
async function ensureBucket(s3: S3Client, place: BucketPlace): Promise<boolean> {
  const found = await findBucket(s3, place);
  if (found === "foreign") throw foreign(place);
  if (found === "elsewhere") {
    throw refusal("CONFIG_INVALID", `The bucket ${place.bucket} is in another region than ${place.region}.`);
  }
  if (found === "own") return true;
  return create(s3, place);
}

/** Whose a bucket of that name is. Names of buckets are of all accounts of a partition ("Bucket naming rules"). */
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
  // "CreateBucket": us-east-1 is the only region that must not be named.
  const LocationConstraint = place.region as BucketLocationConstraint;
  const location = place.region === "us-east-1" ? {} : { CreateBucketConfiguration: { LocationConstraint } };
  try {
    await s3.send(
      new CreateBucketCommand({ Bucket: place.bucket, ObjectOwnership: "BucketOwnerEnforced", ...location }),
    );
    return false;
  } catch (error) {
    // An earlier try whose answer was lost.
    if (findAwsFault(error).name === "BucketAlreadyOwnedByYou") return false;
    if (findAwsFault(error).name === "BucketAlreadyExists") throw foreign(place);
    throw error;
  }
}

function foreign({ bucket, account }: BucketPlace): Error {
  const text = `The bucket ${bucket} cannot be used: it is not one of account ${account}, or this function may not look at it.`;
  return refusal("BUCKET_FOREIGN", `${text} Choose another BucketPrefix, or pass an own bucket as TargetBucket.`);
}

function statusOf(error: unknown): number | undefined {
  const metadata: unknown = error instanceof Error && "$metadata" in error ? error.$metadata : undefined;
  const status: unknown = Object(metadata).httpStatusCode;
  return typeof status === "number" ? status : undefined;
}

/** What the emptying of a bucket needs. */
interface EmptyBucketDeps {
  readonly s3: S3Client;
  readonly place: BucketPlace;
  readonly clock: Pick<Clock, "now">;
}

/** Kept back of an invocation for the answer. */
const ANSWER_MS = 15_000;

/** Deletes all versions, a thousand at a time, then the bucket. Out of time it fails, and a further deletion goes on. */
async function emptyBucket({ s3, place, clock }: EmptyBucketDeps, deadlineAt: number): Promise<void> {
  const owned = { Bucket: place.bucket, ExpectedBucketOwner: place.account };
  for (;;) {
    if (clock.now() > deadlineAt - ANSWER_MS) {
      throw refusal("TIMED_OUT", `The bucket ${place.bucket} is not empty yet. Delete the stack again to go on.`);
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
