import type { MapNode } from "./tree.ts";

/** Versions of documents that can be compiled. */
export type DocumentVersion = 1 | 2;

/** Keys that only version 2 has at the top. */
export const KEYS_OF_2: readonly string[] = ["description", "metadata", "additionalMetadata", "targets", "revision"];

/**
 * Whose rules judge a document: those of the version that it names, also as a text; where it names none that there is,
 * those of the version that it looks like.
 */
export function findVersion({ entries }: MapNode): DocumentVersion {
  const version = entries.get("version")?.value;
  const value = version?.kind === "scalar" ? version.value : undefined;
  if (value === 1 || value === "1") return 1;
  if (value === 2 || value === "2") return 2;
  const looksLike2 = entries.get("events")?.value.kind === "map" || KEYS_OF_2.some((key) => entries.has(key));
  return looksLike2 ? 2 : 1;
}
