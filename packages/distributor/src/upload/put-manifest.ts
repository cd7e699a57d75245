import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import { type Manifest, toManifestText } from "@stackyard/sdk/artifacts";
import { toManifestKey } from "../publish/classify-key.ts";
import { loadManifest, type ObjectPlace } from "../publish/load-manifest.ts";

/** Where manifests are written. */
export interface ManifestPlace {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly prefix: string;
}

/** Writes a manifest where none is; undefined where another one is already. The same one counts as written. */
export async function putManifest(place: ManifestPlace, manifest: Manifest): Promise<ObjectPlace | undefined> {
  const { s3, bucket, prefix } = place;
  const key = toManifestKey(prefix, manifest.name, manifest.version);
  const text = toManifestText(manifest);
  try {
    const object = { Bucket: bucket, Key: key, Body: text, ContentType: "application/json" };
    const { VersionId: versionId } = await s3.send(new PutObjectCommand({ ...object, IfNoneMatch: "*" }));
    return { bucket, key, ...(versionId && { versionId }) };
  } catch (error) {
    if (findAwsFault(error).name !== "PreconditionFailed") {
      throw toAwsError(error, `The manifest s3://${bucket}/${key} cannot be written.`);
    }
    const found = await loadManifest(s3, { bucket, key });
    return found.kind === "loaded" && found.text === text
      ? { bucket, key, ...(found.versionId && { versionId: found.versionId }) }
      : undefined;
  }
}
