import { isStackyardError } from "@stackyard/core";
import type { PublishedArtifact } from "../announce/announcer.ts";

/**
 * A published version; undefined also where the source no longer has it as it was published: retention has removed it, or somebody else has
 * done something to it, which must not keep others from what they are to get.
 */
export async function loadReadable(
  { loadPublished }: { loadPublished(name: string, version: string): Promise<PublishedArtifact | undefined> },
  { name, version }: { readonly name: string; readonly version: string },
): Promise<PublishedArtifact | undefined> {
  try {
    return await loadPublished(name, version);
  } catch (error) {
    if (isStackyardError(error, "STORE_CORRUPT")) return undefined;
    throw error;
  }
}
