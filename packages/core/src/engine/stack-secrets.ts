import type { SecretHolder } from "../machine/secrets.ts";

/** The sensitive values that a stack's record holds: of its metadata, and those that are kept for open runs. */
export function listStackSecrets({
  metadata,
  secretVersions = {},
  keptSecrets = {},
}: SecretHolder): readonly unknown[] {
  return [...Object.keys(secretVersions).map((key) => metadata[key]), ...Object.values(keptSecrets)];
}
