import type { Page, UnreadableRow } from "@stackyard/sdk";
import type { Output } from "../shell/output.ts";

/** How much of a list is read, and where damaged rows are reported. */
export interface ReadOptions {
  /** Default: they are not reported. */
  readonly out?: Pick<Output, "note">;
  /** Default: the whole list. */
  readonly limit?: number | undefined;
}

/** The pages of a list, one after the other, until the end or so many items. Damaged rows are reported as notes. */
export async function* readPages<Item>(
  load: (page: { readonly limit: number; readonly cursor?: string }) => Promise<Page<Item>>,
  { out, limit = Number.POSITIVE_INFINITY }: ReadOptions,
): AsyncGenerator<readonly Item[], void> {
  let left = limit;
  let cursor: string | undefined;
  do {
    const page = await load({ limit: Math.min(left, PAGE), ...(cursor === undefined ? {} : { cursor }) });
    for (const row of page.unreadable ?? []) out?.note(toNote(row));
    yield page.items;
    left -= page.items.length;
    cursor = page.cursor;
  } while (cursor !== undefined && left > 0);
}

/** All items of the pages, at most so many. */
export async function readAll<Item>(
  load: Parameters<typeof readPages<Item>>[0],
  options: ReadOptions,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const page of readPages(load, options)) items.push(...page);
  return items;
}

const PAGE = 500;

function toNote({ id, reason }: UnreadableRow): string {
  return `"${id}" is not shown: ${reason}`;
}
