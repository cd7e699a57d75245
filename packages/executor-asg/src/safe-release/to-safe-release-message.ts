import type { ReleaseDifference } from "./compare-releases.ts";

/** All differences as one text, a line each after the first. */
export function toSafeReleaseMessage(differences: readonly ReleaseDifference[]): string {
  const lines = differences.map(({ message }) => `- ${message}`);
  return [
    "SafeRelease Error: the release differs from the one before. Leave safe_release out to allow it.",
    ...lines,
  ].join("\n");
}
