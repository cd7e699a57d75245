import { StackyardError } from "@stackyard/core";
import type { Page, PageBuilder, PageRow } from "@stackyard/core/engine";

/** A row that was read, or that cannot be. */
export interface ReadRow<Item> {
  /** Undefined when it cannot be read. */
  readonly item: Item | undefined;
  /** Throws `STORE_CORRUPT` when it cannot be read. */
  readonly read: () => Item;
}

/** Reads a row now; its error is thrown when the page asks for the item. */
export function tryRead<Item>(read: () => Item): ReadRow<Item> {
  try {
    const item = read();
    return { item, read: () => item };
  } catch (error) {
    const fail = (): never => {
      throw error;
    };
    return { item: undefined, read: fail };
  }
}

/**
 * Adds rows until the page is full; further pages of the table are not read. Bytes are those of the JSON: what the table
 * holds may be packed and much smaller.
 */
export async function fillPage<Item>(
  page: PageBuilder<Item>,
  rows: AsyncIterable<Omit<PageRow<Item>, "bytes"> & ReadRow<Item>>,
): Promise<Page<Item>> {
  for await (const { item, ...row } of rows) {
    const bytes = item === undefined ? 0 : Buffer.byteLength(JSON.stringify(item));
    if (!page.add({ ...row, bytes })) break;
  }
  return page.end();
}

/** The position that a cursor stands for; undefined without one. Throws `USAGE` for text that is none. */
export function parsePosition(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (/^\d{1,16}$/.test(cursor)) return Number(cursor);
  throw new StackyardError("USAGE", "The cursor is none of this list. Begin again without a cursor.");
}
