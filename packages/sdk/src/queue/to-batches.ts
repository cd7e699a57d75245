import type { EventEntry } from "./to-event-entry.ts";

/** SQS and SNS take so many entries at once. */
const MAX_ENTRIES = 10;

/** What a batch must hold. */
export interface BatchLimits {
  readonly maxBytes: number;
  /** True: no two events of one stack in a batch. Some entries may fail, and the one sent again would come too late. */
  readonly ordered: boolean;
}

/** Entries as batches that are sent one after the other, those of a stack in their order. */
export function toBatches<Entry extends Pick<EventEntry, "stackId" | "bytes">>(
  entries: readonly Entry[],
  { maxBytes, ordered }: BatchLimits,
): readonly (readonly Entry[])[] {
  const batches: Entry[][] = [];
  /** The first batch that the next event of a stack may be in. */
  const next = new Map<string, number>();
  for (const entry of entries) {
    const from = ordered ? (next.get(entry.stackId) ?? 0) : Math.max(0, batches.length - 1);
    const found = batches.findIndex((batch, index) => index >= from && hasRoom(batch, entry, maxBytes));
    const place = found === -1 ? batches.push([]) - 1 : found;
    batches[place]?.push(entry);
    next.set(entry.stackId, place + 1);
  }
  return batches;
}

function hasRoom(
  batch: readonly Pick<EventEntry, "bytes">[],
  { bytes }: Pick<EventEntry, "bytes">,
  maxBytes: number,
): boolean {
  return batch.length < MAX_ENTRIES && batch.reduce((sum, entry) => sum + entry.bytes, bytes) <= maxBytes;
}
