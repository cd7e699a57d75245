import type { S3Client } from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import { isStackyardError, StackyardError } from "@stackyard/core";
import { isObject } from "../../parse-json.ts";
import type { BucketPlace } from "./bucket-place.ts";
import { completeSettings } from "./complete-settings.ts";
import { emptyBucket } from "./empty-bucket.ts";
import { ensureBucket, findBucket } from "./ensure-bucket.ts";
import { type ResourceOutcome, servesNone, wasNeverMade } from "./resource-answer.ts";
import type { ResourceCall, ResourceDeps } from "./resource-call.ts";

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
