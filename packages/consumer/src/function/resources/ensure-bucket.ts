import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  HeadBucketCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { findAwsFault } from "@stackyard/aws";
import type { BucketPlace } from "./bucket-place.ts";
import { refusal } from "./resource-answer.ts";

/** Makes the bucket unless it is there. True: it was. Throws `BUCKET_FOREIGN` where another account has the name. */
export async function ensureBucket(s3: S3Client, place: BucketPlace): Promise<boolean> {
  const found = await findBucket(s3, place);
  if (found === "foreign") throw foreign(place);
  if (found === "elsewhere") {
    throw refusal("CONFIG_INVALID", `The bucket ${place.bucket} is in another region than ${place.region}.`);
  }
  if (found === "own") return true;
  return create(s3, place);
}

/** Whose a bucket of that name is. Names of buckets are of all accounts of a partition ("Bucket naming rules"). */
export async function findBucket(
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
