/** A small JSON document under a key. */
export interface StoredRecord {
  readonly key: string;
  /** Grows with each write; never used again for the same key after a removal. */
  readonly version: number;
  readonly value: unknown;
  /** Epoch milliseconds; an expired record is not there. */
  readonly expiresAt?: number;
}

/** What a write gives: the new record, or the one that stands in the way (undefined: there is none). */
export type PutRecordResult =
  | { readonly kind: "written"; readonly record: StoredRecord }
  | { readonly kind: "conflict"; readonly current: StoredRecord | undefined };

/** One conditional write of a record. */
export interface PutRecordInput {
  readonly key: string;
  /** JSON, at most 256 KiB as UTF-8 text; larger: `PAYLOAD_TOO_LARGE`. */
  readonly value: unknown;
  /** The version that must stand there now; `absent`: none (expired counts as none). */
  readonly expected: number | "absent";
  readonly expiresAt?: number;
  readonly now: number;
}

/**
 * Small JSON documents (at most 256 KiB) with conditional writes. Everything that is not a stack is a record.
 * Keys: 1 to 512 characters, segments joined by `/`, no control characters.
 */
export interface Records {
  get(key: string, now: number): Promise<StoredRecord | undefined>;
  put(input: PutRecordInput): Promise<PutRecordResult>;
  /** Removes the record if that version stands there; true when it is gone or was not there. */
  remove(key: string, expected: number): Promise<boolean>;
  /** In order of keys. Pages are bounded as those of `StackQueries`. */
  list(prefix: string, page: PageInput & { readonly now: number }): Promise<Page<StoredRecord>>;
}

/** A part of a listing. A page ends at `limit` rows or with the row that reaches `maxBytes`, whichever comes first. */
export interface PageInput {
  /** As given by the page before; without it from the beginning. */
  readonly cursor?: string;
  /** 1 to 1,000. */
  readonly limit: number;
  /** Of the rows as they are stored. Default and maximum: 1 MiB. A page has at least one row all the same. */
  readonly maxBytes?: number;
}

/** One page and where the next one begins; no cursor: this was the last. A page may be empty and have a cursor. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly cursor?: string;
  /** Rows in the range of this page that cannot be read. Missing when there are none. */
  readonly unreadable?: readonly UnreadableRow[];
}

/** A stored row that does not hold what it should. Lists report it and return the other rows. */
export interface UnreadableRow {
  /** Of a stack, a dead letter or a record: its id or key. Of a line of the history: its position. */
  readonly id: string;
  readonly reason: string;
}
