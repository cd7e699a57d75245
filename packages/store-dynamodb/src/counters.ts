import { StackyardError } from "@stackyard/core";
import { fromItem } from "./attributes.ts";
import type { Table } from "./database.ts";

const KEY = { pk: "yard", sk: "counters" };

/** The number of the next life of a record. */
export async function takeRecordNumber(work: Table): Promise<number> {
  const updated = await work.update(KEY, {
    update: "ADD #counter :count",
    names: { "#counter": "record" },
    values: { ":count": 1 },
  });
  if (updated === undefined) throw new StackyardError("INTERNAL", "The counter could not be read.");
  return Number(fromItem(updated)["record"] ?? 0);
}
