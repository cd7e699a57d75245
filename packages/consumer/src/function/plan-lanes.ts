import type { SqsRecord } from "./sqs-event.ts";
import { peekRecord } from "./torn-message.ts";

/** Records that are served one after another. */
export type Lane = readonly SqsRecord[];

/** What is larger is read part by part with several requests at a time: one such copy has all of the function. */
const SMALL_BYTES = 64 * 1024 * 1024;
/** Each holds up to 64 MiB in a temporary file. */
const SMALL_LANES = 3;

/**
 * Which records of a batch are served at the same time: those of one key in the order of the batch, large files (and those of
 * unknown size) one at a time, the others three at a time.
 */
export function planLanes(records: readonly SqsRecord[], topicArn: string): readonly Lane[] {
  const large: SqsRecord[] = [];
  const byKey = new Map<string, SqsRecord[]>();
  const keysOfLarge = new Set<string>();
  for (const record of records) {
    const { key = `\0${record.messageId}`, size } = peekRecord(record, topicArn);
    byKey.set(key, [...(byKey.get(key) ?? []), record]);
    if (size > SMALL_BYTES) keysOfLarge.add(key);
  }
  const lanes: SqsRecord[][] = Array.from({ length: SMALL_LANES }, () => []);
  for (const [key, ofKey] of byKey) {
    const lane = keysOfLarge.has(key)
      ? large
      : lanes.reduce((least, each) => (each.length < least.length ? each : least));
    lane.push(...ofKey);
  }
  return [large, ...lanes].filter((lane) => lane.length > 0);
}
