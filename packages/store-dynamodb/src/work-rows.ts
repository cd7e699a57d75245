import { backoff, StackyardError } from "@stackyard/core";
import type { Page, PageBuilder, PageRow } from "@stackyard/core/engine";
import { fromItem, type Item, inParallel, type Row, toItem } from "./database.ts";
import { MAX_ITEM_BYTES, sizeOfItem, type WorkKey } from "./keys.ts";
import type { StoreContext } from "./store-context.ts";
import { WORK_INDEXES } from "./tables.ts";

/** The parts of the store for reading and changing one row. */
type RowContext = Pick<StoreContext, "work" | "clock" | "random" | "serialize">;

/** A row of the work table that is changed by conditional writes. */
export interface WorkRow {
  /** Another one with each write, also after a removal: what a write is conditional on. */
  readonly nonce?: string;
}

/** The form of rows of one kind. */
export interface RowKind<T extends WorkRow> {
  /** For messages. */
  readonly name: string;
  toKey(id: string): WorkKey;
  /** Attributes of the indexes that the row belongs to. */
  toIndex(row: T): Row;
}

/** A change to a row; undefined leaves it unchanged. */
export interface Move<T, Result> {
  readonly write?: T | "remove" | undefined;
  readonly result: Result;
}

const MOST_TRIES = 30;
const LONGEST_PAUSE_MS = 200;

/** Loads a row consistently. */
export async function loadRow<T extends WorkRow>(
  context: RowContext,
  kind: RowKind<T>,
  id: string,
): Promise<T | undefined> {
  return loadRowAt<T>(context, kind.toKey(id));
}

/** Loads a row consistently, by a key from an index. */
export async function loadRowAt<T extends WorkRow>({ work }: RowContext, key: WorkKey): Promise<T | undefined> {
  const item = await work.get(key);
  return item === undefined ? undefined : parseRow<T>(item);
}

const NOT_OF_THE_ROW = ["pk", "sk", ...Object.values(WORK_INDEXES).flatMap(({ key, at }) => [key, at])];

/** Parses an item without its keys: those of indexes are computed again with each write. */
function parseRow<T extends WorkRow>(item: Item): T {
  const row = fromItem(item);
  for (const name of NOT_OF_THE_ROW) delete row[name];
  // Only this kind's rows are written under its keys.
  return row as T;
}

/**
 * Changes one row with one conditional write. If another writer changed the row meanwhile, reads it and decides again.
 * `seen`: what the caller has just read or expects to be missing, which saves the first read.
 */
export async function mutateRow<T extends WorkRow, Result>(
  context: RowContext,
  kind: RowKind<T>,
  id: string,
  decide: (row: T | undefined) => Move<T, Result>,
  seen?: T | "absent",
): Promise<Result> {
  const { pk, sk } = kind.toKey(id);
  return context.serialize(`${pk} ${sk}`, async () => {
    let row = seen === "absent" ? undefined : (seen ?? (await loadRow(context, kind, id)));
    for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
      const { write, result } = decide(row);
      if (write === undefined || (await writeRow(context, kind, id, row, write))) return result;
      await pause(context, tries);
      row = await loadRow(context, kind, id);
    }
    const message = `The ${kind.name} ${JSON.stringify(id)} is written by too many processes at once. Try again.`;
    throw new StackyardError("STORE_UNAVAILABLE", message);
  });
}

/** Waits a little, as chance has it, so that those who met do not meet again. */
export async function pause({ clock, random }: RowContext, tries: number): Promise<void> {
  if (tries > 1) await clock.sleep(Math.ceil(random() * backoff(tries, { first: 2, most: LONGEST_PAUSE_MS })));
}

async function writeRow<T extends WorkRow>(
  { work }: RowContext,
  kind: RowKind<T>,
  id: string,
  before: T | undefined,
  write: T | "remove",
): Promise<boolean> {
  const key = { ...kind.toKey(id) };
  const isUnchanged =
    before === undefined
      ? { expression: "attribute_not_exists(pk)" }
      : { expression: "nonce = :nonce", values: { ":nonce": before.nonce ?? "" } };
  if (write === "remove") return before === undefined || (await work.remove(key, isUnchanged));
  const item = toItem(Object.assign({}, write, kind.toIndex(write), key));
  const bytes = sizeOfItem(item);
  if (bytes > MAX_ITEM_BYTES - 100) throw tooLarge(kind.name, id, bytes);
  return await work.put(item, isUnchanged);
}

/** Returns the error for an item that DynamoDB would refuse. */
export function tooLarge(name: string, id: string, bytes: number): StackyardError {
  const message = `The ${name} ${JSON.stringify(id)} would take ${Math.ceil(bytes / 1024)} KB; an item of DynamoDB has at most 400 KB. Use shorter metadata, fewer tasks or fewer simultaneous events.`;
  return new StackyardError("PAYLOAD_TOO_LARGE", message, { details: { id, bytes } });
}

/** An entry of an index with the row that it refers to. */
interface ListedRow<T> {
  readonly entry: Item;
  readonly item: Item;
  /** Throws `STORE_CORRUPT` when the row cannot be read. */
  readonly read: () => T;
}

/** Rows read at a time; fewer while they are large. */
const MOST_AT_ONCE = 16;
const BYTES_AT_ONCE = 1_048_576;

/** Returns the primary key in an entry of an index. */
export function toWorkKey(entry: Item): WorkKey {
  return { pk: entry["pk"]?.S ?? "", sk: entry["sk"]?.S ?? "" };
}

/** Reads the rows that index entries refer to, in order, some at a time. */
export async function* loadListed<T extends WorkRow>(
  context: StoreContext,
  entries: AsyncIterable<Item>,
): AsyncGenerator<ListedRow<T>, void, undefined> {
  let atOnce = 2;
  let waiting: Item[] = [];
  for await (const entry of entries) {
    waiting.push(entry);
    if (waiting.length < atOnce) continue;
    const rows = await loadAll<T>(context, waiting);
    const largest = Math.max(1, ...rows.map(({ bytes }) => bytes));
    atOnce = Math.max(1, Math.min(2 * atOnce, MOST_AT_ONCE, Math.floor(BYTES_AT_ONCE / largest)));
    waiting = [];
    yield* rows;
  }
  yield* await loadAll<T>(context, waiting);
}

async function loadAll<T extends WorkRow>({ work }: StoreContext, entries: readonly Item[]) {
  const items = await inParallel(entries, (entry) => work.get(toWorkKey(entry)));
  return items.flatMap((item, index) => {
    const entry = entries[index];
    if (item === undefined || entry === undefined) return [];
    return [{ entry, item, bytes: sizeOfItem(item), read: (): T => parseRow<T>(item) }];
  });
}

/** Takes the first `limit` items; further pages are not read. */
export async function takeFirst<T>(items: AsyncIterable<T>, limit: number): Promise<readonly T[]> {
  const taken: T[] = [];
  if (limit <= 0) return taken;
  for await (const item of items) {
    taken.push(item);
    if (taken.length >= limit) break;
  }
  return taken;
}

/** A row that was read, or that cannot be. */
export interface ReadRow<Item> {
  /** The item; undefined when it cannot be read. */
  readonly item: Item | undefined;
  /** Throws `STORE_CORRUPT` when it cannot be read. */
  readonly read: () => Item;
}

/** Reads a row now; a read error is thrown when the item is accessed. */
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
 * Adds rows until the page is full; further pages of the table are not read. Bytes are those of the JSON: the stored
 * form may be packed and much smaller.
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
