/** Entries of one batch of SQS and SNS, and messages of one receive. */
export const MAX_BATCH_ENTRIES = 10;

/** The limits of one batch. */
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

/** Returns true for the name, address or ARN of a FIFO queue or topic. */
export function isFifo(name: string): boolean {
  return name.endsWith(".fifo");
}

// 128 alphanumeric characters and punctuation:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html, `MessageGroupId`.
const GROUP = /^[A-Za-z0-9!"#$%&'()*+,./:;<=>?@[\\\]^_`{|}~-]{1,128}$/;

/** Returns true for a text that SQS accepts as the id of a message group. */
export function isGroupId(text: string): boolean {
  return GROUP.test(text);
}

/**
 * Returns JSON in characters that every queue accepts: SQS refuses some
 * (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html, `MessageBody`), and
 * emulators refuse those outside the basic plane too, so these are escaped. It parses to the same value.
 */
export function toQueueText(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// JSON.stringify has escaped everything below U+0020 and lone surrogates; halves of pairs are escaped one by one.
const UNSAFE = /[\ud800-\udfff\ufffe\uffff]/g;
