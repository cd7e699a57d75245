import { nameSender } from "@stackyard/core";
import type { HistoryEntry, MetadataValue } from "@stackyard/sdk";

/** A key of a stack's metadata. */
export interface MetadataRow {
  readonly key: string;
  readonly value: MetadataValue;
  /** The line of the history that has set it last, where that is known. */
  readonly origin: HistoryEntry | undefined;
  /** Who sent that, with the id where two people of the history have one name. */
  readonly by: string | undefined;
}

/** Returns the keys of metadata with the lines that have set them; the history is given newest first. */
export function toMetadataRows(
  metadata: Readonly<Record<string, MetadataValue>>,
  history: readonly HistoryEntry[],
): readonly MetadataRow[] {
  return Object.entries(metadata).map(([key, value]) => {
    const origin = history.find(
      (entry) => entry.outcome === "applied" && (brings(entry, key) || isOutput(entry, key, value)),
    );
    return { key, value, origin, by: origin && nameSender(origin, history) };
  });
}

function brings({ metadata }: HistoryEntry, key: string): boolean {
  return typeof metadata === "object" && metadata !== null && Object.hasOwn(metadata, key);
}

/**
 * Returns true if an event set the value as an output; it may be stored under another key, so its value must match too.
 */
function isOutput({ outputs }: HistoryEntry, key: string, value: MetadataValue): boolean {
  if (typeof outputs !== "object" || outputs === null) return false;
  if (Object.hasOwn(outputs, key)) return true;
  return typeof value === "string" && value !== "" && Object.values(outputs).includes(value);
}
