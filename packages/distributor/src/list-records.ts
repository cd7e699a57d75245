import { listPages } from "@stackyard/core";
import { requireRecords } from "@stackyard/core/services";
import type { RecordDeps } from "./records.ts";

const PAGE = 1_000;

/** Lists all valid records under a prefix in key order. */
export async function listRecords<Value>(
  { records, clock }: Pick<RecordDeps, "records" | "clock">,
  prefix: string,
  parse: (value: unknown) => Value | undefined,
): Promise<readonly Value[]> {
  const found: Value[] = [];
  const pages = listPages((start) => records.list(prefix, { limit: PAGE, now: clock.now(), ...start }));
  for await (const page of pages) {
    for (const { value } of page.items) {
      const parsed = parse(value);
      if (parsed !== undefined) found.push(parsed);
    }
  }
  return found;
}

/** Lists all records under a prefix in key order, for a decision that may miss none. Throws `STORE_CORRUPT` with a key. */
export async function listWhole<Value>(
  { records, clock }: Pick<RecordDeps, "records" | "clock">,
  prefix: string,
  parse: (value: unknown) => Value | undefined,
): Promise<readonly Value[]> {
  const found: Value[] = [];
  const pages = listPages((start) => records.list(prefix, { limit: PAGE, now: clock.now(), ...start }));
  for await (const page of pages) found.push(...requireRecords(page, ({ value }) => parse(value)));
  return found;
}
