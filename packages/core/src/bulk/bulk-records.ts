import { StackyardError } from "../errors/stackyard-error.ts";
import { isMap } from "../machine/json.ts";
import type { Clock } from "../ports/clock.ts";
import {
  createPageBuilder,
  foreignCursor,
  type Page,
  type PageInput,
  type Records,
  type StoredRecord,
} from "../ports/records.ts";
import {
  type Bulk,
  type BulkChunk,
  type BulkItem,
  type BulkOutcome,
  type BulkPlans,
  CHUNK_ITEMS,
  toChunks,
} from "./bulk.ts";

/** A bulk with the version of its record, which grows with each of its steps. */
export interface StoredBulk {
  readonly bulk: Bulk;
  readonly version: number;
}

/** A chunk with the version of its record. */
export interface StoredChunk {
  readonly chunk: BulkChunk;
  readonly version: number;
}

/** Which items of a bulk to list. */
export interface BulkItemsInput extends PageInput {
  readonly outcome?: BulkOutcome | undefined;
}

const KEEP_MS = 7 * 86_400_000;
const RUNNING_AT_ONCE = 100;

/**
 * Bulks as records: `bulk/all/…`, `bulk/items/<id>/<n>`, and `bulk/open/<id>` of those that may not be over. Kept for 7
 * days. A put returns false when another process has written the record meanwhile.
 */
export interface BulkRecords {
  find(id: string): Promise<StoredBulk | undefined>;
  putBulk(bulk: Bulk, expected: number | "absent"): Promise<boolean>;
  putChunk(id: string, n: number, chunk: BulkChunk, expected: number | "absent"): Promise<boolean>;
  findChunk(id: string, n: number): Promise<StoredChunk | undefined>;
  /** Adds a bulk. It exists once the last write is done; writes of a process that crashes before expire. */
  add(bulk: Bulk, ids: readonly string[], plans?: BulkPlans): Promise<void>;
  /** Lists bulks, newest first. */
  list(page: PageInput): Promise<Page<Bulk>>;
  /** Lists bulks that may be running, oldest first. */
  listOpen(): Promise<readonly StoredBulk[]>;
  /** Removes what only a bulk needs that is not over, also the record of its lease, which would never expire. */
  close(id: string): Promise<void>;
}

/** Creates the records of bulks. */
export function createBulkRecords(records: Records, clock: Clock): BulkRecords {
  async function put(key: string, value: unknown, expected: number | "absent"): Promise<boolean> {
    const now = clock.now();
    return (await records.put({ key, value, expected, now, expiresAt: now + KEEP_MS })).kind === "written";
  }

  async function find(id: string): Promise<StoredBulk | undefined> {
    const record = await records.get(toBulkKey(id), clock.now());
    return record && { bulk: toBulk(record), version: record.version };
  }

  return {
    find,
    putBulk: (bulk, expected) => put(toBulkKey(bulk.id), bulk, expected),
    putChunk: (id, n, chunk, expected) => put(toChunkKey(id, n), chunk, expected),

    async findChunk(id, n) {
      const record = await records.get(toChunkKey(id, n), clock.now());
      return record && { chunk: toChunk(record), version: record.version };
    },

    async add(bulk, ids, plans) {
      await put(toOpenKey(bulk.id), {}, "absent");
      for (const [n, chunk] of toChunks(ids, plans).entries()) await put(toChunkKey(bulk.id, n), chunk, "absent");
      await put(toBulkKey(bulk.id), bulk, "absent");
    },

    async list(page) {
      const found = await records.list(BULKS, { ...page, now: clock.now() });
      return { ...found, items: found.items.map(toBulk) };
    },

    async listOpen() {
      const { items } = await records.list(OPEN, { limit: RUNNING_AT_ONCE, now: clock.now() });
      const found = await Promise.all(items.map(({ key }) => find(key.slice(OPEN.length))));
      return found.filter((each) => each !== undefined);
    },

    async close(id) {
      for (const key of [toOpenKey(id), `leases/bulk/${id}`]) {
        const record = await records.get(key, clock.now());
        if (record !== undefined) await records.remove(key, record.version);
      }
    },
  };
}

/** Returns the items of a bulk in their order. With an outcome a page may be short and have a cursor. */
export async function listBulkItems(
  records: Pick<BulkRecords, "findChunk">,
  bulk: Bulk,
  { outcome, ...page }: BulkItemsInput,
): Promise<Page<BulkItem>> {
  const after = parseItemCursor(page.cursor);
  const found = createPageBuilder<BulkItem>(page);
  for (let n = Math.floor(after / CHUNK_ITEMS); n * CHUNK_ITEMS < bulk.total; n += 1) {
    const items = (await records.findChunk(bulk.id, n))?.chunk.items ?? [];
    const wanted = items.map((item) => toShown(bulk, item)).filter((item) => item.n > after && isWanted(item, outcome));
    for (const item of wanted) {
      const bytes = Buffer.byteLength(JSON.stringify(item));
      if (!found.add({ id: item.id, cursor: String(item.n), bytes, read: () => item })) return found.end();
    }
  }
  return found.end();
}

function isWanted(item: BulkItem, outcome: BulkOutcome | undefined): boolean {
  return outcome === undefined || item.outcome === outcome;
}

function toShown({ status }: Bulk, item: BulkItem): BulkItem {
  return status === "cancelled" && item.outcome === undefined ? { ...item, outcome: "skipped" } : item;
}

const OPEN = "bulk/open/";
const BULKS = "bulk/all/";
const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

function toOpenKey(id: string): string {
  return `${OPEN}${id}`;
}

/** Returns the key of a bulk. ULIDs sort by time, and these keys in reverse, so that a list begins with the newest. */
function toBulkKey(id: string): string {
  return `${BULKS}${id.replaceAll(/[0-9A-HJKMNP-TV-Z]/g, (digit) => DIGITS.at(-1 - DIGITS.indexOf(digit)) ?? digit)}`;
}

function toChunkKey(id: string, n: number): string {
  return `bulk/items/${id}/${n}`;
}

function toBulk({ key, value }: StoredRecord): Bulk {
  if (isBulk(value)) return value;
  throw new StackyardError("STORE_CORRUPT", `The record "${key}" is not a bulk operation. Remove it.`);
}

function toChunk({ key, value }: StoredRecord): BulkChunk {
  if (isChunk(value)) return value;
  throw new StackyardError("STORE_CORRUPT", `The record "${key}" does not hold items of a bulk operation. Remove it.`);
}

/** Distinguishes bulks from records of other kinds; only this file writes these records. */
function isBulk(value: unknown): value is Bulk {
  return isMap(value) && typeof value["operation"] === "string" && isMap(value["counts"]);
}

function isChunk(value: unknown): value is BulkChunk {
  return isMap(value) && Array.isArray(value["items"]);
}

function parseItemCursor(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (/^[1-9]\d{0,5}$/.test(cursor)) return Number(cursor);
  throw foreignCursor();
}
