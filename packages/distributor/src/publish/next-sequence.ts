import { StackyardError } from "@stackyard/core";
import { changeRecord, type RecordDeps } from "../registry/change-record.ts";

/** The next number of the yard: each is given once. Throws `RECORD_CONFLICT` where too many ask at a time. */
export async function nextSequence(deps: RecordDeps): Promise<number> {
  const changed = await changeRecord(deps, {
    key: "sequence",
    parse: parseCounter,
    change: (known) => ({ last: (known?.last ?? 0) + 1 }),
  });
  if (changed === undefined) throw new StackyardError("STORE_CORRUPT", "No number was given.");
  return changed.last;
}

function parseCounter(value: unknown): { readonly last: number } | undefined {
  const last: unknown = Object(value).last;
  return typeof last === "number" && Number.isSafeInteger(last) ? { last } : undefined;
}
