import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  HeadBucketCommand,
  ListObjectVersionsCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { type AnswerPolicy, callAws, findAwsFault, toAnswer, toAwsError } from "@stackyard/aws";
import { backoff, type Clock, isMap, retry, StackyardError } from "@stackyard/core";
import { type BucketPlace, completeSettings, mayEmpty, RENEWED, tagCreated } from "./bucket-settings.ts";
import { type ResourceCall, type ResourceDeps, type ResourceOutcome, refusal, servesNone } from "./resource-answer.ts";

const NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const KEY = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)\/[\w/-]{1,256}$/;

/**
 * Creates the consumer's bucket, or adopts an existing one of the account. Missing settings are added and none is weakened.
 * Deletion keeps the bucket, unless `EmptyOnDelete` is `true` and the bucket has a tag with the id of this very stack: it is set
 * when the stack creates the bucket, and by an update. So the rollback of a creation never empties a bucket that existed.
 */
export async function adoptBucket(deps: ResourceDeps, call: ResourceCall): Promise<ResourceOutcome> {
  const { request } = call;
  if (deps.bucket === undefined) throw servesNone();
  if (request.RequestType === "Delete") return removeBucket(deps, call, deps.bucket);
  const { s3 } = deps.bucket();
  const { place, kmsKeyArn } = parseProperties(deps, request.ResourceProperties);
  const isToEmpty = isEmptyOnDelete(request.ResourceProperties);
  // The first look decides: what a later try finds, an earlier one has made.
  let wasThere: boolean | undefined;
  const isAdopted = await retryTransient(deps, call.deadlineAt, async () => {
    wasThere ??= await isThere(s3, place);
    const empties = isToEmpty && wasThere && request.RequestType === "Create" ? undefined : isToEmpty;
    const [open, wanted] = [
      { s3, place, logger: deps.logger },
      { kmsKeyArn, stackId: request.StackId, empties },
    ];
    if (!wasThere) {
      await create(s3, place);
      await tagCreated(open, wanted);
    }
    await completeSettings(open, wanted);
    return wasThere;
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
  if (!isEmptyOnDelete(request.ResourceProperties) || !NAME.test(bucket)) {
    return { ...outcome, reason: "The bucket and its objects are kept." };
  }
  const { s3 } = open();
  const place = { account: deps.account, region: deps.region, bucket };
  const deletion = { place, clock: deps.clock, deadlineAt };
  const kept = await untilDone(deletion, async () => {
    return { kind: "done", result: await findReasonToKeep(s3, place, request.StackId) };
  });
  if (kept !== undefined) return { ...outcome, reason: kept };
  await untilDone(deletion, () => deleteSome(s3, { Bucket: place.bucket, ExpectedBucketOwner: place.account }));
  return { ...outcome, reason: "The bucket was emptied and deleted." };
}

/** A bucket of another account, a missing one, and one that existed before the stack are not deleted. */
async function findReasonToKeep(s3: S3Client, place: BucketPlace, stackId: string): Promise<string | undefined> {
  if ((await findBucket(s3, place)) !== "own") return "This account does not own the bucket.";
  if (await mayEmpty(s3, place, stackId)) return undefined;
  return "The bucket and its objects are kept: it existed before the stack, and no update has set EmptyOnDelete.";
}

function isEmptyOnDelete(properties: unknown): boolean {
  return isMap(properties) && String(properties["EmptyOnDelete"]) === "true";
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

/** Repeats a creation until the deadline while S3 refuses it only for now, such as a concurrent one. */
async function retryTransient<Result>(
  { clock }: ResourceDeps,
  deadlineAt: number,
  work: () => Promise<Result>,
): Promise<Result> {
  const toPauseMs = (failed: number) => backoff(failed, { first: FIRST_PAUSE_MS, most: MAX_PAUSE_MS });
  const isInTime = () => clock.now() + MAX_PAUSE_MS < deadlineAt - ANSWER_MS;
  try {
    return await retry(work, {
      tries: Number.POSITIVE_INFINITY,
      isRetryable: (error) => isInTime() && toAnswer(error, RENEWED) === "passing",
      pause: (failed) => clock.sleep(toPauseMs(failed)),
    });
  } catch (error) {
    const isRefusal = error instanceof Error && "refusal" in error;
    throw isRefusal ? error : toAwsError(error, "The bucket could not be set up.");
  }
}

/** Returns true if the bucket exists. Throws `BUCKET_FOREIGN` when another account owns it. */
async function isThere(s3: S3Client, place: BucketPlace): Promise<boolean> {
  const found = await findBucket(s3, place);
  if (found === "foreign") throw foreign(place);
  if (found === "elsewhere") {
    throw refusal("CONFIG_INVALID", `The bucket ${place.bucket} is in another region than ${place.region}.`);
  }
  return found === "own";
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

async function create(s3: S3Client, place: BucketPlace): Promise<void> {
  // "CreateBucket": us-east-1 must not be given as a location constraint.
  const LocationConstraint = place.region as BucketLocationConstraint;
  const location = place.region === "us-east-1" ? {} : { CreateBucketConfiguration: { LocationConstraint } };
  const request = { Bucket: place.bucket, ObjectOwnership: "BucketOwnerEnforced", ...location } as const;
  // Owned: an earlier attempt succeeded, but its response was lost.
  const instead = { BucketAlreadyOwnedByYou: undefined, BucketAlreadyExists: "foreign" } as const;
  const created = await callAws(() => s3.send(new CreateBucketCommand(request)), { instead });
  if (created === "foreign") throw foreign(place);
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

/** One deletion of the bucket, with the time that it has. */
interface Deletion {
  readonly place: BucketPlace;
  readonly clock: Clock;
  readonly deadlineAt: number;
}

/** Reserved for the response. */
const ANSWER_MS = 15_000;

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 20_000;

type DeletionStep<Result> =
  | { readonly kind: "done"; readonly result: Result }
  | { readonly kind: "more" }
  /** S3 cannot do it now. */
  | { readonly kind: "waits"; readonly reason: string };

/**
 * Repeats a step of the deletion until it is done, and until the deadline while S3 refuses it only for now. Throws `TIMED_OUT`;
 * another deletion continues.
 */
async function untilDone<Result>(
  { place, clock, deadlineAt }: Deletion,
  step: () => Promise<DeletionStep<Result>>,
): Promise<Result> {
  let [failed, last] = [0, ""];
  while (clock.now() < deadlineAt - ANSWER_MS) {
    const taken = await step().catch(toPassing);
    if (taken.kind === "done") return taken.result;
    failed = taken.kind === "waits" ? failed + 1 : 0;
    if (taken.kind === "more") continue;
    last = ` The last answer of S3: ${taken.reason}.`;
    const pauseMs = backoff(failed, { first: FIRST_PAUSE_MS, most: MAX_PAUSE_MS });
    await clock.sleep(Math.max(0, Math.min(pauseMs, deadlineAt - ANSWER_MS - clock.now())));
  }
  const what = `The bucket ${place.bucket} is not empty yet. Delete the stack again to continue.`;
  throw refusal("TIMED_OUT", `${what}${last}`);
}

/** DeleteObjects answers 200 with a code for each key that is left. A denial does not pass. */
const FINAL = /^(AccessDenied|AllAccessDisabled|MethodNotAllowed)$/;

const GONE = { kind: "done", result: undefined } as const;

/** Deletes all object versions, a thousand at a time, then the bucket. Throws `LEFT_BEHIND` for what may not be deleted. */
async function deleteSome(
  s3: S3Client,
  owned: { readonly Bucket: string; readonly ExpectedBucketOwner: string },
): Promise<DeletionStep<undefined>> {
  return callAws(() => deletePart(s3, owned), { instead: { gone: GONE } });
}

async function deletePart(
  s3: S3Client,
  owned: { readonly Bucket: string; readonly ExpectedBucketOwner: string },
): Promise<DeletionStep<undefined>> {
  const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand(owned));
  const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
  if (Objects.length === 0) {
    await s3.send(new DeleteBucketCommand(owned));
    return GONE;
  }
  const { Errors = [] } = await s3.send(new DeleteObjectsCommand({ ...owned, Delete: { Objects, Quiet: true } }));
  const denied = Errors.find(({ Code = "" }) => FINAL.test(Code));
  if (denied !== undefined) {
    const of = `${denied.Code}: ${Errors.length} objects could not be deleted, such as "${denied.Key}".`;
    throw refusal("LEFT_BEHIND", of);
  }
  const [first] = Errors;
  return first === undefined ? { kind: "more" } : { kind: "waits", reason: `${first.Code} for "${first.Key}"` };
}

/** An object may have arrived since the list. */
const DELETION: AnswerPolicy = { passing: ["BucketNotEmpty", "UNAUTHENTICATED"] };

function toPassing(error: unknown): DeletionStep<never> {
  if (toAnswer(error, DELETION) !== "passing") throw error;
  const { code, name = code } = findAwsFault(error);
  return { kind: "waits", reason: name };
}
