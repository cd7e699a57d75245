import type { S3Client } from "@aws-sdk/client-s3";
import { isStackyardError, RecentMap, StackyardError } from "@stackyard/core";
import type { RecordsDeps } from "@stackyard/core/services";
import { type Manifest, parseManifest } from "@stackyard/sdk/artifacts";
import type { DistributorContext } from "./context.ts";
import { toVersionId } from "./events.ts";
import type { PublishedArtifact } from "./fan-out.ts";
import { loadManifest } from "./source-bucket.ts";
import { type ArtifactRecord, artifacts, toVersionKey, type VersionId } from "./versions.ts";

/** Where published versions are recorded, and how one is loaded, such as by `loadArtifact`. */
interface PublishedSource extends RecordsDeps {
  load(record: ArtifactRecord): Promise<PublishedArtifact>;
}

/**
 * Loads a published version with its manifest; undefined for an unknown version. Throws `STORE_CORRUPT` when the manifest in the
 * bucket is missing or differs from the published one.
 */
export async function loadPublished(
  source: PublishedSource,
  name: string,
  version: string,
): Promise<PublishedArtifact | undefined> {
  const found = await artifacts.find(source, toVersionKey({ name, version }));
  return found && source.load(found);
}

/**
 * Loads the version of a record. Throws `STORE_CORRUPT` like `loadPublished`. The digest identifies the manifest: a publisher can
 * have written the same one again, and a lifecycle rule can have ended the older object.
 */
export async function loadArtifact(
  { s3, bucket }: { readonly s3: S3Client; readonly bucket: string },
  record: ArtifactRecord,
): Promise<PublishedArtifact> {
  const { manifestKey: key, manifestVersionId, manifestSha256 } = record;
  const pinned = manifestVersionId === null ? [] : [{ bucket, key, versionId: manifestVersionId }];
  for (const place of [...pinned, { bucket, key }]) {
    const loaded = await loadManifest(s3, place);
    if (loaded.kind !== "loaded" || loaded.sha256 !== manifestSha256) continue;
    const parsed = parseManifest(loaded.text);
    const found = { ...record, manifestVersionId: toVersionId(loaded.versionId) ?? null };
    if (parsed.kind === "manifest") return toPublished(found, parsed.manifest);
  }
  throw new StackyardError("STORE_CORRUPT", `s3://${bucket}/${key} is no longer the manifest that was published.`);
}

/** Adds the recorded version ids to the files of a manifest. */
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

/**
 * Loads a published version; undefined also when its manifest is missing or changed, because of retention or of another writer. One
 * broken version must not block the others.
 */
export async function loadReadable(
  { loadPublished }: Pick<DistributorContext, "loadPublished">,
  { name, version }: VersionId,
): Promise<PublishedArtifact | undefined> {
  return unlessCorrupt(loadPublished(name, version));
}

/** Returns undefined when the manifest is missing or changed, or the record damaged. */
export async function unlessCorrupt<Loaded>(loading: Promise<Loaded>): Promise<Loaded | undefined> {
  try {
    return await loading;
  } catch (error) {
    if (isStackyardError(error, "STORE_CORRUPT")) return undefined;
    throw error;
  }
}

/** A manifest can have several megabytes. */
const MAX = 20;

/** Caches publications, which never change, so that a manifest is read once for many receipts. */
export function rememberPublished<Publication extends Pick<ArtifactRecord, "distributionId">>(
  load: (publication: Publication) => Promise<PublishedArtifact>,
): (publication: Publication) => Promise<PublishedArtifact> {
  const known = new RecentMap<string, Promise<PublishedArtifact>>(MAX);
  return async (publication) => {
    const key = publication.distributionId;
    const found = known.findOr(key, () => load(publication));
    try {
      return await found;
    } catch (error) {
      known.delete(key);
      throw error;
    }
  };
}
