import { type Clock, type Random, type Records, StackyardError } from "@stackyard/core";

/** What changing records needs. */
export interface RecordDeps {
  readonly records: Records;
  readonly clock: Clock;
  readonly random: Random;
}

/** A change of one record. */
export interface RecordChange<Value> {
  readonly key: string;
  /** Undefined: what lies there is not of this kind. */
  parse(value: unknown): Value | undefined;
  /** May be called several times. Undefined: leave it as it is. */
  change(known: Value | undefined): Value | undefined;
}

const MAX_TRIES = 40;
const MAX_PAUSE_MS = 500;

/**
 * Changes a record, and starts again when somebody else does it in that moment: two changes at once are both made. Gives what stands there
 * now. Throws `RECORD_CONFLICT` when that does not end, `STORE_CORRUPT` when something else lies there.
 */
export async function changeRecord<Value>(
  { records, clock, random }: RecordDeps,
  { key, parse, change }: RecordChange<Value>,
): Promise<Value | undefined> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const record = await records.get(key, clock.now());
    const known = record === undefined ? undefined : parse(record.value);
    if (record !== undefined && known === undefined) {
      throw new StackyardError("STORE_CORRUPT", `The record "${key}" is not one that this version can read.`);
    }
    const value = change(known);
    if (value === undefined || JSON.stringify(value) === JSON.stringify(known)) return known;
    const result = await records.put({ key, value, expected: record?.version ?? "absent", now: clock.now() });
    if (result.kind === "written") return value;
    await clock.sleep(Math.ceil(random() * Math.min(MAX_PAUSE_MS, 10 * 2 ** tries)));
  }
  throw new StackyardError("RECORD_CONFLICT", `Too many others change the record "${key}" at once.`);
}
