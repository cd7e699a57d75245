import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { isStackyardError, StackyardError, type StoreSignal } from "@stackyard/core";

/** A value that a statement may be given; undefined is written as null. */
export type Parameter = string | number | null | undefined;

/** Part of a statement, with the values of its parameters. */
export interface Conditions {
  readonly conditions: readonly string[];
  readonly values: readonly Parameter[];
}

/** Returns those conditions of one parameter each that have a value. */
export function toGivenConditions(all: readonly (readonly [condition: string, value: Parameter])[]): Conditions {
  const given = all.filter(([, value]) => value !== undefined);
  return { conditions: given.map(([condition]) => condition), values: given.map(([, value]) => value) };
}

/**
 * One connection with its prepared statements. The texts of statements are constants, so the cache is as large as the
 * code. Every error leaves as `STORE_UNAVAILABLE` or `STORE_CORRUPT`.
 */
export class Database {
  readonly #connection: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();
  readonly #path: string;

  constructor(path: string, options: { readonly readOnly?: boolean } = {}) {
    this.#path = path;
    this.#connection = this.#guarded(() => new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, ...options }));
  }

  /** Returns the connection itself, for the backup interface of the driver. */
  get connection(): DatabaseSync {
    return this.#connection;
  }

  get isTransaction(): boolean {
    return this.#connection.isTransaction;
  }

  /** Returns the first row, with the type that the caller declares. */
  get<Row>(sql: string, ...parameters: readonly Parameter[]): Row | undefined {
    return this.#guarded(() => this.#prepare(sql).get(...toValues(parameters)) as Row | undefined);
  }

  /** Returns all rows, with the type that the caller declares. */
  all<Row>(sql: string, ...parameters: readonly Parameter[]): readonly Row[] {
    return this.#guarded(() => this.#prepare(sql).all(...toValues(parameters)) as Row[]);
  }

  /**
   * Yields rows one after the other, for callers that stop before the last one: it reads no more rows than it yields.
   */
  *each<Row>(sql: string, ...parameters: readonly Parameter[]): Generator<Row, void, undefined> {
    const rows = this.#guarded(() => this.#prepare(sql).iterate(...toValues(parameters)));
    try {
      for (;;) {
        const next = this.#guarded(() => rows.next());
        if (next.done === true) return;
        yield next.value as Row;
      }
    } finally {
      this.#guarded(() => rows.return?.());
    }
  }

  /** Returns the number of rows that were written. */
  run(sql: string, ...parameters: readonly Parameter[]): number {
    return this.#guarded(() => Number(this.#prepare(sql).run(...toValues(parameters)).changes));
  }

  /** Runs several statements without parameters, not cached. */
  script(sql: string): void {
    this.#guarded(() => this.#connection.exec(sql));
  }

  close(): void {
    this.#prepared.clear();
    this.#guarded(() => this.#connection.close());
  }

  #prepare(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#connection.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }

  #guarded<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw toStoreError(error, this.#path);
    }
  }
}

function toValues(parameters: readonly Parameter[]): readonly SQLInputValue[] {
  return parameters.map((value) => value ?? null);
}

/** There is one writer, so waits are short; a backup's reader may lock the file for an instant. */
const BUSY_TIMEOUT_MS = 2_000;

/** Primary result codes of SQLite, https://sqlite.org/rescode.html; the low byte of an extended code. */
const RESULT = { corrupt: 11, full: 13, notADatabase: 26 } as const;

/**
 * Converts an error of the driver about a file to one of ours, with the driver's as its cause. Errors of ours and faults of the code
 * are returned unchanged.
 */
export function toStoreError(error: unknown, path: string): unknown {
  if (isStackyardError(error) || !isSqliteError(error)) return error;
  const says = error.errstr ?? error.message;
  const result = error.errcode & 0xff;
  if (result === RESULT.corrupt || result === RESULT.notADatabase) {
    const message = `The store ${path} cannot be read (${says}). Restore it from a backup.`;
    return new StackyardError("STORE_CORRUPT", message, { cause: error });
  }
  if (result === RESULT.full) {
    const message = `The disk of ${path} is full. Free some space; nothing was half written.`;
    return new StackyardError("STORE_UNAVAILABLE", message, { cause: error });
  }
  const more = error.message === says ? "" : ` (${error.message})`;
  const message = `The store does not answer: ${says}${more}.`;
  return new StackyardError("STORE_UNAVAILABLE", message, { cause: error, details: { sqliteCode: error.errcode } });
}

interface SqliteError extends Error {
  readonly errcode: number;
  readonly errstr?: string;
}

function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number";
}

/** Rows a segment; see the schema. */
export const SEGMENT_ROWS = 32_768;

/** Numbers of the rows of one table: they increase, and none is used twice, even when the newest rows were pruned. */
export class Sequence {
  readonly name: string;
  #last: number;

  private constructor(name: string, last: number) {
    this.name = name;
    this.#last = last;
  }

  /** Goes on after the highest number that the table has or had. */
  static load(database: Database, name: string, column: string): Sequence {
    const select = `select max(coalesce((select max(${column}) from ${name}), 0),
                  coalesce((select value from high_water where name = ?), 0)) as last`;
    const row = database.get<{ last: number }>(select, name);
    return new Sequence(name, row?.last ?? 0);
  }

  get last(): number {
    return this.#last;
  }

  next(): number {
    this.#last += 1;
    return this.#last;
  }

  /** Stores the last number. Must be part of each transaction that removes rows from the end of the table. */
  keepHighWater(database: Database): void {
    const insert =
      "insert into high_water (name, value) values (?, ?) on conflict (name) do update set value = excluded.value";
    database.run(insert, this.name, this.#last);
  }
}

/** Returns the segment of a row, as `column >> 15` does in SQL. */
export function segmentOf(rowNumber: number): number {
  return Math.floor(rowNumber / SEGMENT_ROWS);
}

/** Returns the bytes of a document. A damaged row may contain something other than text. */
export function byteLengthOf(body: unknown): number {
  return typeof body === "string" ? Buffer.byteLength(body) : 0;
}

/** The effects in memory once a transaction is on the disk. */
export interface Effects {
  /** Adds an effect that runs after the commit, never when it is undone. */
  afterCommit(effect: () => void): void;
  /** Notifies the listeners after the commit. */
  signal(kind: StoreSignal["kind"]): void;
}
