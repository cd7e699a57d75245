import { listKeys } from "./document/check-structure.ts";
import type { DocumentVersion } from "./document/compile-context.ts";
import type { MapNode } from "./document/tree.ts";
import { machineV1Schema } from "./v1/machine-v1-schema.ts";
import { machineV2Schema } from "./v2/machine-v2-schema.ts";

const KEYS_OF_1 = listKeys(machineV1Schema);
const ONLY_IN_2 = listKeys(machineV2Schema).filter((key) => !KEYS_OF_1.includes(key));

/**
 * Returns the version whose rules apply to a document: the version that it names, also as a text; without a valid one,
 * the version that it looks like.
 */
export function findVersion({ entries }: MapNode): DocumentVersion {
  const version = entries.get("version")?.value;
  const value = version?.kind === "scalar" ? version.value : undefined;
  if (value === 1 || value === "1") return 1;
  if (value === 2 || value === "2") return 2;
  const looksLike2 = entries.get("events")?.value.kind === "map" || ONLY_IN_2.some((key) => entries.has(key));
  return looksLike2 ? 2 : 1;
}
