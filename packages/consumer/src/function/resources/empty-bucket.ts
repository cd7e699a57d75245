import {
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { findAwsFault } from "@stackyard/aws";
import type { Clock } from "@stackyard/core";
import type { BucketPlace } from "./bucket-place.ts";
import { refusal } from "./resource-answer.ts";

/** What the emptying of a bucket needs. */
export interface EmptyBucketDeps {
  readonly s3: S3Client;
  readonly place: BucketPlace;
  readonly clock: Pick<Clock, "now">;
}

/** Kept back of an invocation for the answer. */
const ANSWER_MS = 15_000;

/** Deletes all versions, a thousand at a time, then the bucket. Out of time it fails, and a further deletion goes on. */
export async function emptyBucket({ s3, place, clock }: EmptyBucketDeps, deadlineAt: number): Promise<void> {
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
