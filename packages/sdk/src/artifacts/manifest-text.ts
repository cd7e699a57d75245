import { createHash } from "node:crypto";
import type { Manifest } from "./manifest.ts";

/**
 * A manifest as it is stored: JSON in UTF-8 with sorted members and without spaces, so that equal manifests have equal bytes, and
 * by them an equal digest.
 */
export function toManifestText(manifest: Manifest): string {
  return JSON.stringify(toSorted(manifest));
}

/** SHA-256 of a manifest's text, as messages and records name it: 64 lower-case hex digits. */
export function digestManifest(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

function toSorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toSorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  // Labels may be called by numbers, which an object has before all others: that is an order too, and always the same.
  return Object.fromEntries(entries.map(([key, inner]) => [key, toSorted(inner)]));
}
