import type { S3Client } from "@aws-sdk/client-s3";
import type { Manifest } from "@stackyard/sdk/artifacts";
import { headUpload } from "../upload/head-upload.ts";

/**
 * Is what this manifest of an upload tells of still the newest under its key? In a bucket without versions the instants tell, which are in
 * whole seconds.
 */
export async function isNewest(s3: S3Client, bucket: string, { createdAt, files }: Manifest): Promise<boolean> {
  for (const { key, versionId } of files) {
    const head = await headUpload(s3, { bucket, key, ...(versionId && { versionId }) });
    if (head === undefined || head.modifiedAt.getTime() > Date.parse(createdAt)) return false;
  }
  return true;
}
