import type { PublishedArtifact } from "../announce/announcer.ts";
import type { ArtifactRecord } from "../publish/artifact-record.ts";

/** A manifest has up to some megabytes. */
const MAX = 20;

/** A publication does not change, so its manifest is read once for many receipts. */
export function rememberPublished<Publication extends Pick<ArtifactRecord, "distributionId">>(
  load: (publication: Publication) => Promise<PublishedArtifact>,
): (publication: Publication) => Promise<PublishedArtifact> {
  const known = new Map<string, Promise<PublishedArtifact>>();

  function forget(key: string): void {
    known.delete(key);
  }

  return async (publication) => {
    const key = publication.distributionId;
    const found = known.get(key) ?? load(publication);
    // The last used one stands last.
    known.delete(key);
    known.set(key, found);
    const [first] = known.keys();
    if (known.size > MAX && first !== undefined) forget(first);
    try {
      return await found;
    } catch (error) {
      forget(key);
      throw error;
    }
  };
}
