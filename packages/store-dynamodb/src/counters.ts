import { StackyardError } from "@stackyard/core";
import { fromItem } from "./attributes.ts";
import type { Table } from "./database.ts";

/** Numbers that grow over the yard, each counted apart. */
export interface Counts {
  /** Of lines of the history: without gaps, unless somebody died with numbers in hand. */
  readonly position: number;
  /** Of attempts and of what was set aside. */
  readonly sequence: number;
  /** Of lives of records. */
  readonly record: number;
}

const KEY = { pk: "yard", sk: "counters" };

/** Takes so many of each, by one write. Gives the first ones. */
export async function takeNumbers(work: Table, asked: Partial<Counts>): Promise<Counts> {
  const { position = 0, sequence = 0, record = 0 } = asked;
  const updated = await work.update(KEY, {
    update: "ADD #position :position, #sequence :sequence, #record :record",
    names: { "#position": "position", "#sequence": "sequence", "#record": "record" },
    values: { ":position": position, ":sequence": sequence, ":record": record },
  });
  if (updated === undefined) throw new StackyardError("INTERNAL", "The counters could not be read.");
  const counts = fromItem(updated);
  const firstOf = (name: keyof Counts, taken: number) => Number(counts[name] ?? 0) - taken + 1;
  return {
    position: firstOf("position", position),
    sequence: firstOf("sequence", sequence),
    record: firstOf("record", record),
  };
}
