import type { Page, PageInput, UnreadableRow } from "./records.ts";

/** Bytes of rows at which a page ends. */
const MAX_PAGE_BYTES = 1_048_576;

/** A row of a listing, before it is read. */
export interface PageRow<Item> {
  /** Names the row in the page's `unreadable` when `read` throws. */
  readonly id: string;
  /** The cursor of a page that ends with this row. */
  readonly cursor: string;
  /** Of the row as it is stored. */
  readonly bytes: number;
  readonly read: () => Item;
}

/** Collects the rows of one page. */
export interface PageBuilder<Item> {
  /** Bytes that the page still has room for; a store that reads ahead reads no more than that. */
  readonly bytesLeft: number;
  /** Returns false, and leaves the row to the next page, when this one is full. */
  add(row: PageRow<Item>): boolean;
  /** `next`: where the next page begins when the search ended before the list and the page is not full. */
  end(next?: string): Page<Item>;
}

/** Starts a page. A store adds rows in their order until `add` returns false, then ends the page. */
export function createPageBuilder<Item>({ limit, maxBytes = MAX_PAGE_BYTES }: PageInput): PageBuilder<Item> {
  const mostBytes = Math.min(maxBytes, MAX_PAGE_BYTES);
  const items: Item[] = [];
  const unreadable: UnreadableRow[] = [];
  let bytes = 0;
  let cursor = "";
  let isFull = false;
  return {
    get bytesLeft() {
      return mostBytes - bytes;
    },
    add(row) {
      const count = items.length + unreadable.length;
      isFull ||= count >= limit || (count > 0 && bytes >= mostBytes);
      if (isFull) return false;
      bytes += row.bytes;
      cursor = row.cursor;
      try {
        items.push(row.read());
      } catch (error) {
        unreadable.push({ id: row.id, reason: error instanceof Error ? error.message : String(error) });
      }
      return true;
    },
    end(next) {
      const following = isFull ? cursor : next;
      return {
        items,
        ...(following === undefined ? {} : { cursor: following }),
        ...(unreadable.length === 0 ? {} : { unreadable }),
      };
    },
  };
}
