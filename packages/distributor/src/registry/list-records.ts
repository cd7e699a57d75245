import type { RecordDeps } from "./change-record.ts";

const PAGE = 1_000;

/** All records under a prefix, in order of their keys; what is not of the kind is left out. */
export async function listRecords<Value>(
  { records, clock }: Pick<RecordDeps, "records" | "clock">,
  prefix: string,
  parse: (value: unknown) => Value | undefined,
): Promise<readonly Value[]> {
  const found: Value[] = [];
  let cursor: string | undefined;
  do {
    const page = await records.list(prefix, {
      limit: PAGE,
      now: clock.now(),
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const { value } of page.items) {
      const parsed = parse(value);
      if (parsed !== undefined) found.push(parsed);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}
