/** What of a long list is shown. */
export interface TakenRows<Row> {
  readonly rows: readonly Row[];
  /** As many as were wanted: there may be more. */
  readonly limited: boolean;
}

const DEFAULT_LIMIT = 50;

/** Reads no further than the limit. */
export async function takeRows<Row>(list: AsyncIterable<Row>, limit: number = DEFAULT_LIMIT): Promise<TakenRows<Row>> {
  const rows: Row[] = [];
  for await (const row of list) {
    if (rows.push(row) >= limit) break;
  }
  return { rows, limited: rows.length >= limit };
}

/** A line under a list that may be longer; else nothing. */
export function tellLimit({ rows, limited }: TakenRows<unknown>): string {
  return limited ? `\n\nThese are the first ${rows.length}. Give --limit for more.` : "";
}
