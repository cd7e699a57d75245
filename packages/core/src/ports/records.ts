import { StackyardError } from "../errors/stackyard-error.ts";
import { defined } from "../machine/json.ts";

/** A small JSON document under a key. */
export interface StoredRecord {
  readonly key: string;
  /** Grows with each write; never used again for the same key after a removal. */
  readonly version: number;
  readonly value: unknown;
  /** Epoch milliseconds; an expired record is not there. */
  readonly expiresAt?: number;
}

/** The result of a write: the new record, or the record that prevented it (undefined: it does not exist). */
export type PutRecordResult =
  | { readonly kind: "written"; readonly record: StoredRecord }
  | { readonly kind: "conflict"; readonly current: StoredRecord | undefined };

/** One conditional write of a record. */
export interface PutRecordInput {
  readonly key: string;
  /** JSON, at most 256 KiB as UTF-8 text; larger: `PAYLOAD_TOO_LARGE`. */
  readonly value: unknown;
  /** The version that the record must have now; `absent`: it must not exist (an expired record counts as absent). */
  readonly expected: number | "absent";
  readonly expiresAt?: number;
  readonly now: number;
}

/** Which page of records to list, and the present time: records that have expired are left out. */
export interface ListRecordsInput extends PageInput {
  readonly now: number;
}

/**
 * Small JSON documents (at most 256 KiB) with conditional writes. Everything that is not a stack is a record.
 * Keys: 1 to 512 characters, segments joined by `/`, no control characters and no unpaired surrogates.
 */
export interface Records {
  get(key: string, now: number): Promise<StoredRecord | undefined>;
  put(input: PutRecordInput): Promise<PutRecordResult>;
  /** Removes the record if it has that version; true when it does not exist afterwards. */
  remove(key: string, expected: number): Promise<boolean>;
  /** Lists records in order of keys. Pages are bounded as those of `StackQueries`. A cursor begins with the prefix. */
  list(prefix: string, page: ListRecordsInput): Promise<Page<StoredRecord>>;
}

/** A part of a listing. A page ends at `limit` rows or with the row that reaches `maxBytes`, whichever comes first. */
export interface PageInput {
  /** As given by the page before; without it from the beginning. */
  readonly cursor?: string;
  /** 1 to 1,000. */
  readonly limit: number;
  /** The maximum size of the stored rows. Default and maximum: 1 MiB. A page has at least one row in any case. */
  readonly maxBytes?: number;
}

/** One page and where the next one begins; no cursor: this was the last. A page may be empty and have a cursor. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly cursor?: string;
  /** Rows in the range of this page that cannot be read. Missing when all rows can be read. */
  readonly unreadable?: readonly UnreadableRow[];
}

/** A stored row with invalid content. Lists report it and return the other rows. */
export interface UnreadableRow {
  /** The id or key of a stack, a dead letter or a record; the position of a line of the history. */
  readonly id: string;
  readonly reason: string;
}

/** Bytes of rows at which a page ends. */
const MAX_PAGE_BYTES = 1_048_576;

/** A row of a listing, before it is read. */
export interface PageRow<Item> {
  /** Names the row in the page's `unreadable` when `read` throws. */
  readonly id: string;
  /** The cursor of a page that ends with this row. */
  readonly cursor: string;
  /** The size of the stored row. */
  readonly bytes: number;
  readonly read: () => Item;
}

/** Collects the rows of one page. */
export interface PageBuilder<Item> {
  /** Bytes that the page still has room for; a store that reads ahead reads no more than that. */
  readonly bytesLeft: number;
  /** Returns false, and leaves the row to the next page, when this one is full. */
  add(row: PageRow<Item>): boolean;
  /**
   * Returns the page. `next`: where the next page begins when the search ended before the list and the page is not
   * full.
   */
  end(next?: string): Page<Item>;
}

/** Returns the error for a cursor of another list. */
export function foreignCursor(): StackyardError {
  return new StackyardError("USAGE", "The cursor does not belong to this list. Start again without a cursor.");
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
        ...defined({ cursor: following }),
        ...(unreadable.length === 0 ? {} : { unreadable }),
      };
    },
  };
}

/** The right to do something alone for a while. */
export interface Lease {
  readonly key: string;
  readonly owner: string;
  /** Grows with every acquisition of the key: a call of a late owner with an older token is refused. */
  readonly token: number;
  readonly until: number;
  /** Leases of the key in a row that have lapsed before this one, because they were not released. Missing: none. */
  readonly lapses?: number;
}

/** The result of acquiring a lease. `held`: its owner, and until when if it is not renewed. */
export type AcquireLeaseResult =
  | { readonly kind: "acquired"; readonly lease: Lease }
  | { readonly kind: "held"; readonly by: string; readonly until: number };

/** Leases on names, built once over Records. Instants are the caller's clock; the token keeps a late owner harmless. */
export interface Leases {
  acquire(key: string, owner: string, ttlMs: number): Promise<AcquireLeaseResult>;
  /** Returns the lease with a later `until` for the same token, or undefined when another owner has it. */
  renew(lease: Lease, ttlMs: number): Promise<Lease | undefined>;
  /** Releases the lease. A missing lease, or one of another owner, counts as released. */
  release(lease: Lease): Promise<void>;
  /** Returns the present lease of the key. */
  find(key: string): Promise<Lease | undefined>;
}
