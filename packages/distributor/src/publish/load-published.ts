import type { S3Client } from "@aws-sdk/client-s3";
import { type Clock, type Records, StackyardError } from "@stackyard/core";
import { type Manifest, parseManifest } from "@stackyard/sdk/artifacts";
import type { PublishedArtifact } from "../announce/announcer.ts";
import { type ArtifactRecord, artifactRecordKey, parseArtifactRecord } from "./artifact-record.ts";
import { loadManifest } from "./load-manifest.ts";

/** Where versions are found again. */
export interface PublishedSource {
  readonly records: Pick<Records, "get">;
  readonly clock: Clock;
  /** Such as `loadArtifact`. */
  load(record: ArtifactRecord): Promise<PublishedArtifact>;
}

/**
 * A published version with its manifest, as it was when it was published; undefined for one that is not known. Throws
 * `STORE_CORRUPT` where the bucket no longer has what was published: it is gone, or another one.
 */
export async function loadPublished(
  source: PublishedSource,
  name: string,
  version: string,
): Promise<PublishedArtifact | undefined> {
  const found = await source.records.get(artifactRecordKey(name, version), source.clock.now());
  return found && source.load(parseArtifactRecord(found.value));
}

/** The same for a record that was read already. */
export async function loadArtifact(
  { s3, bucket }: { readonly s3: S3Client; readonly bucket: string },
  record: ArtifactRecord,
): Promise<PublishedArtifact> {
  const { manifestKey: key, manifestVersionId, manifestSha256 } = record;
  const place = { bucket, key, ...(manifestVersionId === null ? {} : { versionId: manifestVersionId }) };
  const loaded = await loadManifest(s3, place);
  const parsed = loaded.kind === "loaded" && loaded.sha256 === manifestSha256 ? parseManifest(loaded.text) : undefined;
  if (parsed?.kind === "manifest") return toPublished(record, parsed.manifest);
  throw new StackyardError("STORE_CORRUPT", `s3://${bucket}/${key} is no longer the manifest that was published.`);
}

/** A version with its manifest, of which each file has the id of its version. */
export function toPublished(record: ArtifactRecord, manifest: Manifest): PublishedArtifact {
  const { manifestKey, manifestSha256, manifestVersionId, sequence, distributionId, versionIds } = record;
  const files = manifest.files.map((file, index) => {
    const versionId = versionIds[index];
    return { ...file, ...(versionId && { versionId }) };
  });
  return {
    manifest: { ...manifest, files },
    manifestKey,
    manifestSha256,
    sequence,
    distributionId,
    ...(manifestVersionId === null ? {} : { manifestVersionId }),
  };
}
