import { listPages, type Records } from "@stackyard/core";
import { requireRecords } from "@stackyard/core/services";
import type { RecordDeps } from "./records.ts";

type Deps = Pick<RecordDeps, "records" | "clock">;

type Parse<Value> = (value: unknown) => Value | undefined;

/** Lists all valid records under a prefix in key order. */
export function listRecords<Value>(deps: Deps, prefix: string, parse: Parse<Value>): Promise<readonly Value[]> {
  return collect(deps, prefix, ({ items }) => items.flatMap(({ value }) => parse(value) ?? []));
}

/** Lists all records under a prefix in key order, for a decision that may miss none. Throws `STORE_CORRUPT` with a key. */
export function listWhole<Value>(deps: Deps, prefix: string, parse: Parse<Value>): Promise<readonly Value[]> {
  return collect(deps, prefix, (page) => requireRecords(page, ({ value }) => parse(value)));
}

const PAGE = 1_000;

type Page = Awaited<ReturnType<Records["list"]>>;

async function collect<Value>(
  { records, clock }: Deps,
  prefix: string,
  read: (page: Page) => readonly Value[],
): Promise<readonly Value[]> {
  const found: Value[] = [];
  const pages = listPages((start) => records.list(prefix, { limit: PAGE, now: clock.now(), ...start }));
  for await (const page of pages) found.push(...read(page));
  return found;
}
