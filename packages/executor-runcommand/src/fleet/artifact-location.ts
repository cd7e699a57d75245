import { readField, readText } from "./read-field.ts";

/** Where an artifact lies. */
export interface ArtifactLocation {
  readonly bucket: string;
  readonly key: string;
}

/** S3 user guide, "General purpose bucket naming rules". */
const BUCKET = /^(?!\d{1,3}(\.\d{1,3}){3}$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const CONTROL = /\p{Cc}/u;
/** S3 user guide, "Creating object key names": at most 1,024 bytes of UTF-8. */
const MAX_KEY_BYTES = 1_024;

/** The `s3Location` of an input artifact; undefined where bucket or key are none that S3 would take. */
export function findArtifactLocation(artifact: unknown): ArtifactLocation | undefined {
  const place = readField(readField(artifact, "location"), "s3Location");
  const bucket = readText(place, "bucketName");
  const key = readText(place, "objectKey");
  if (bucket === undefined || key === undefined || !BUCKET.test(bucket) || !isKey(key)) return undefined;
  return { bucket, key };
}

function isKey(key: string): boolean {
  if (key === "" || key.length > MAX_KEY_BYTES || CONTROL.test(key) || !key.isWellFormed()) return false;
  return new TextEncoder().encode(key).length <= MAX_KEY_BYTES;
}
