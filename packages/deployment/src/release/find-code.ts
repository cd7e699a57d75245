import { HeadObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import { StackyardError } from "@stackyard/core";
import { type Place, toKey } from "../object-keys.ts";

/** Where an app's code lies. */
export interface CodeObject {
  readonly key: string;
  /** Empty where the bucket keeps no versions. */
  readonly versionId: string;
}

/** The published zip of an app. Throws `NOT_FOUND` when it is not there. */
export async function findCode(s3: S3Client, place: Place, name: string, version: string): Promise<CodeObject> {
  const key = toKey(place, { kind: "app", name, version });
  try {
    const { VersionId = "" } = await s3.send(new HeadObjectCommand({ Bucket: place.bucket, Key: key }));
    // S3 names the version of objects from before versioning "null", which Lambda does not take.
    return { key, versionId: VersionId === "null" ? "" : VersionId };
  } catch (error) {
    if (findAwsFault(error).code !== "NOT_FOUND")
      throw toAwsError(error, `s3://${place.bucket}/${key} cannot be seen.`);
    const hint = "Publish it: `stackyard apps publish`. `stackyard apps ls` shows what there is.";
    throw new StackyardError("NOT_FOUND", `There is no s3://${place.bucket}/${key}.`, {
      cause: error,
      details: { hint },
    });
  }
}
