import { StackyardError } from "../errors/stackyard-error.ts";
import { defined } from "../machine/json.ts";
import type { Clock } from "./clock.ts";
import type { Records, StoredRecord } from "./records.ts";

/** The storage of a decision: a new value, the removal of the record, or nothing. */
export interface RecordDecision {
  readonly write?: RecordWrite | undefined;
}

type RecordWrite = { readonly value: unknown; readonly expiresAt?: number | undefined } | "remove";

/** A change of one record that depends on its present value. */
export interface RecordChange<Decision extends RecordDecision> {
  readonly records: Pick<Records, "get" | "put" | "remove">;
  readonly clock: Pick<Clock, "now">;
  readonly key: string;
  /** Default: 20. */
  readonly tries?: number;
  /** The message of the error after the last try. */
  readonly conflict?: string;
  /** Waits before the next try; `failed` counts from 1. Default: the next try begins at once. */
  pause?(failed: number): Promise<void>;
  /** Decides what to write. Called again after each conflict. */
  decide(found: StoredRecord | undefined, now: number): Decision | Promise<Decision>;
}

/**
 * Reads a record, decides and writes; reads and decides again when another writer was first. Returns the decision that
 * was stored. Throws `RECORD_CONFLICT` after the last try.
 */
export async function changeRecord<Decision extends RecordDecision>(change: RecordChange<Decision>): Promise<Decision> {
  const { records, clock, key, tries = 20 } = change;
  for (let failed = 1; failed <= tries; failed += 1) {
    const now = clock.now();
    const found = await records.get(key, now);
    const decision = await change.decide(found, now);
    if (await write(change, found, decision.write)) return decision;
    if (failed < tries) await change.pause?.(failed);
  }
  const { conflict = `Too many concurrent writes to the record ${key}. Try again.` } = change;
  throw new StackyardError("RECORD_CONFLICT", conflict);
}

/** Returns false when another writer was first. */
async function write(
  { records, clock, key }: Pick<RecordChange<RecordDecision>, "records" | "clock" | "key">,
  found: StoredRecord | undefined,
  decided: RecordWrite | undefined,
): Promise<boolean> {
  if (decided === undefined) return true;
  if (decided === "remove") return found === undefined || records.remove(key, found.version);
  const { value, expiresAt } = decided;
  const expected = found?.version ?? "absent";
  const put = await records.put({ key, value, expected, now: clock.now(), ...defined({ expiresAt }) });
  return put.kind === "written";
}
