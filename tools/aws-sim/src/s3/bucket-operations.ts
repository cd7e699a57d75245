import { findText, type SimCall, textOf } from "../sim-call.ts";
import { type Bucket, createEmptyBucket, openBucket } from "./buckets.ts";
import { s3Faults } from "./s3-faults.ts";

type Buckets = Map<string, Bucket>;

/** S3 guide, "General purpose bucket naming rules". */
const NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** HeadBucket: without a body, so a missing bucket is only `NotFound`. */
export function headBucket(buckets: Buckets, call: SimCall): unknown {
  if (!buckets.has(textOf(call.input, "Bucket"))) throw s3Faults.notFound();
  return { BucketRegion: openBucket(buckets, call).region };
}

/** GetBucketLocation: "Buckets in Region us-east-1 have a LocationConstraint of null". */
export function getBucketLocation(buckets: Buckets, call: SimCall): unknown {
  const { region } = openBucket(buckets, call);
  return region === "us-east-1" ? {} : { LocationConstraint: region };
}

/**
 * CreateBucket. API reference: a name that is taken is `BucketAlreadyExists`, and one of one's own `BucketAlreadyOwnedByYou`, but
 * in us-east-1 success; the location has to be that of the endpoint, and is left out in us-east-1.
 */
export function createBucket(buckets: Buckets, { input, identity, region, now }: SimCall): unknown {
  const name = textOf(input, "Bucket");
  if (!NAME.test(name)) throw s3Faults.invalidBucketName();
  const { LocationConstraint: location = "us-east-1" } = Object(input["CreateBucketConfiguration"]);
  if (location !== region) throw s3Faults.wrongLocation(String(location));
  const known = buckets.get(name);
  if (known !== undefined && known.account !== identity.account) throw s3Faults.bucketIsTaken();
  if (known !== undefined && region !== "us-east-1") throw s3Faults.bucketIsYours();
  const made = createEmptyBucket({ name, account: identity.account, region, createdAt: now });
  const ownership = findText(input, "ObjectOwnership") ?? "BucketOwnerEnforced";
  // S3 guide, "Blocking public access": on for new buckets since April 2023, as is the owner's enforcement.
  made.settings.set("BucketOwnershipControls", { OwnershipControls: { Rules: [{ ObjectOwnership: ownership }] } });
  made.settings.set("PublicAccessBlock", { PublicAccessBlockConfiguration: BLOCKED });
  if (known === undefined) buckets.set(name, made);
  return { Location: `/${name}` };
}

const BLOCKED = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

/** DeleteBucket: "All objects (including all object versions and delete markers) in the bucket must be deleted". */
export function deleteBucket(buckets: Buckets, call: SimCall): unknown {
  const { name, objects, versions } = openBucket(buckets, call);
  if (objects.size > 0 || versions.size > 0) throw s3Faults.bucketNotEmpty();
  buckets.delete(name);
  return {};
}
