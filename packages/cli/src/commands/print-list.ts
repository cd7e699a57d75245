import { formatTable } from "@stackyard/sdk/commands";
import type { Output, Painter } from "../output.ts";
import { type LoadPage, readPages } from "../server/connection.ts";
import { serverNow } from "../server/server-clock.ts";

/** The form of a list for people. */
export interface Table<Item> {
  /** The heads of the columns. */
  readonly columns: readonly string[];
  /** `items`: those that are listed with it: names that repeat get their ids. */
  readonly toRow: (item: Item, out: Painter, now: number, items: readonly Item[]) => readonly string[];
}

/** Formats items as the rows of a table; `withHead`: below the heads of its columns. */
export function formatItems<Item>(
  items: readonly Item[],
  { columns, toRow }: Table<Item>,
  { out, now, withHead = true }: { readonly out: Painter; readonly now: number; readonly withHead?: boolean },
): string {
  const rows = items.map((item) => toRow(item, out, now, items));
  const head = columns.map((name) => out.paint("dim", name));
  return formatTable(withHead ? [head, ...rows] : rows, { columns: out.columns });
}

/** Prints one JSON object per line, or the rows of a table; nothing for an empty list. */
export function printItems<Item>(
  items: readonly Item[],
  table: Table<Item>,
  { out, withHead = true }: { readonly out: Output; readonly withHead?: boolean },
): void {
  if (out.json) for (const item of items) out.result(item, () => "");
  else if (items.length > 0) out.text(formatItems(items, table, { out, now: serverNow(), withHead }));
}

/** Prints the pages of a list as they come, up to `limit` items. Returns how many items the list had. */
export async function printPages<Item>(
  load: LoadPage<Item>,
  table: Table<Item>,
  { out, limit = Number.POSITIVE_INFINITY }: { readonly out: Output; readonly limit?: number | undefined },
): Promise<number> {
  let shown = 0;
  for await (const items of readPages(load, { out, limit })) {
    // A page of items about a number of stacks may have more.
    printItems(items.slice(0, limit - shown), table, { out, withHead: shown === 0 });
    shown += items.length;
  }
  return shown;
}
