import { applyArtifactParameters } from "./document-parameters.ts";

/** An object in S3 that instances apply. */
export interface ArtifactObject {
  readonly bucket: string;
  readonly key: string;
  /** In a bucket with versions. */
  readonly versionId?: string | undefined;
}

const LOCATION = new RegExp(applyArtifactParameters.ArtifactLocation.allowedPattern);
/** Longest key of S3, in bytes. */
const MAX_KEY_BYTES = 1_024;

/** The location as the document takes it, percent-encoded. Undefined: instances could not be told of this object. */
export function findArtifactLocation({ bucket, key, versionId }: ArtifactObject): string | undefined {
  if (!key.isWellFormed() || Buffer.byteLength(key) > MAX_KEY_BYTES || /^(file|fileb):\/\//.test(key)) return undefined;
  const version = versionId === undefined ? "" : `?versionId=${versionId}`;
  const location = `s3://${bucket}/${key.split("/").map(encodePart).join("/")}${version}`;
  return LOCATION.test(location) ? location : undefined;
}

/** `encodeURIComponent` leaves some marks alone that a script's quotes must not hold. */
function encodePart(part: string): string {
  return encodeURIComponent(part).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}
