/** What of a long list is shown. */
export interface TakenRows<Row> {
  readonly rows: readonly Row[];
  /** There are more than were wanted. */
  readonly limited: boolean;
}

const DEFAULT_LIMIT = 50;

/** Reads one row beyond the limit, to know whether there are more. */
export async function takeRows<Row>(list: AsyncIterable<Row>, limit: number = DEFAULT_LIMIT): Promise<TakenRows<Row>> {
  const rows: Row[] = [];
  for await (const row of list) {
    if (rows.length >= limit) return { rows, limited: true };
    rows.push(row);
  }
  return { rows, limited: false };
}

/** A line under a list that is longer; else nothing. */
export function tellLimit({ rows, limited }: TakenRows<unknown>): string {
  return limited ? `\n\nThese are the first ${rows.length}. Give --limit for more.` : "";
}
