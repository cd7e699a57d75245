/** Splits a list into parts of `size` items, in order; only the last one may be shorter. An empty list has no parts. */
export function chunk<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}

/** Entries of one batch of SQS and SNS, and messages of one receive. */
export const MAX_BATCH_ENTRIES = 10;

/** What fits into one batch. */
export interface BatchLimits<Entry> {
  readonly maxBytes: number;
  /**
   * True: a batch has at most one entry of a group. Single entries may fail, and the retry of one would arrive after
   * the entries behind it.
   */
  readonly ordered: boolean;
  bytesOf(entry: Entry): number;
  groupOf(entry: Entry): string;
}

/**
 * Splits entries into batches of at most ten to send one after the other, those of a group in their order. An entry
 * that is too large has a batch of its own.
 */
export function toBatches<Entry>(
  entries: readonly Entry[],
  { maxBytes, ordered, bytesOf, groupOf }: BatchLimits<NoInfer<Entry>>,
): readonly (readonly Entry[])[] {
  const batches: { readonly entries: Entry[]; bytes: number }[] = [];
  /** The first batch that the next entry of a group may be in. */
  const next = new Map<string, number>();
  for (const entry of entries) {
    const bytes = bytesOf(entry);
    const from = ordered ? (next.get(groupOf(entry)) ?? 0) : Math.max(0, batches.length - 1);
    const found = batches.findIndex((batch, index) => {
      return index >= from && batch.entries.length < MAX_BATCH_ENTRIES && batch.bytes + bytes <= maxBytes;
    });
    const place = found === -1 ? batches.length : found;
    const batch = batches[place] ?? { entries: [], bytes: 0 };
    batches[place] = batch;
    batch.entries.push(entry);
    batch.bytes += bytes;
    if (ordered) next.set(groupOf(entry), place + 1);
  }
  return batches.map((batch) => batch.entries);
}
