import { StackyardError } from "../errors/stackyard-error.ts";
import { isMap } from "../machine/json.ts";
import type { Clock } from "../ports/clock.ts";
import type { Records, StoredRecord } from "../ports/records.ts";

/** The position up to which a reader has handled a log. */
export interface StoredPosition {
  /** Reads it; undefined: this reader has not begun. */
  load(): Promise<number | undefined>;
  /** Stores it. Throws `RECORD_CONFLICT` when another process has stored one since it was loaded. */
  keep(position: number): Promise<void>;
}

/** Opens the position of a reader, named for people. */
export function openPosition(
  { records, clock }: { readonly records: Records; readonly clock: Pick<Clock, "now"> },
  key: string,
  reader: string,
): StoredPosition {
  let found: StoredRecord | undefined;
  return {
    async load() {
      found = await records.get(key, clock.now());
      return found && toPosition(found.value);
    },
    async keep(position) {
      if (found !== undefined && toPosition(found.value) === position) return;
      const expected = found?.version ?? "absent";
      const put = await records.put({ key, value: { position }, expected, now: clock.now() });
      // Another process handles the same. Its position is as good as this one.
      if (put.kind === "conflict") throw new StackyardError("RECORD_CONFLICT", `Two processes follow as "${reader}".`);
      found = put.record;
    },
  };
}

/** Returns the position in the value of a record. */
export function toPosition(value: unknown): number | undefined {
  const position = isMap(value) ? value["position"] : undefined;
  return typeof position === "number" ? position : undefined;
}
