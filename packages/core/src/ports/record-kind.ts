import type { Static, TSchema } from "typebox";
import { listPages, type PageStart } from "../list-pages.ts";
import { compileWhenUsed } from "../machine/compile-when-used.ts";
import { defined } from "../machine/json.ts";
import { changeRecord } from "./change-record.ts";
import type { Clock } from "./clock.ts";
import { corruptRecord, readRecords, requireRecords } from "./read-records.ts";
import type { Page, PageInput, Records, StoredRecord } from "./records.ts";

/** Where records of a kind are kept. */
export interface RecordsDeps {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
}

/** The definition of records with one prefix. */
export interface RecordKindSpec<Schema extends TSchema, Deps extends RecordsDeps = RecordsDeps> {
  /** It ends with a slash, and is the beginning of no other kind that lists. */
  readonly prefix: string;
  readonly value: Schema;
  /** The content, for the table of all kinds: `freezes`. */
  readonly holds: string;
  /** The retention, for that table: `until they end`. */
  readonly kept: string;
  /**
   * The meaning of a damaged record when it is read by its name: `missing` for what is observed again, and so written
   * again. Default: it is refused with `STORE_CORRUPT`.
   */
  readonly damaged?: "refused" | "missing";
  /** Concurrent changes of one record decide again this often. Default: 20. */
  readonly tries?: number;
  /** Returns the message of the error after the last try. */
  readonly conflict?: (name: string) => string;
  /** Waits before a change decides again; `failed` counts from 1. Default: it decides again at once. */
  pause?(deps: Deps, failed: number): Promise<void>;
  /** Number of records that `all` and `listReadable` read at once. Default: 100. */
  readonly pageSize?: number;
}

/** A new value. Without an end, the record has the one that it had. */
export interface NewValue<Value> {
  readonly value: Value;
  /** Epoch milliseconds. */
  readonly expiresAt?: number | undefined;
}

/** The decision about a record: a new value, its removal, or nothing. */
export interface ValueDecision<Value> {
  readonly write?: NewValue<Value> | "remove" | undefined;
}

/** What is stored under a name. */
export interface LoadedValue<Value> {
  /** Undefined: it is missing, or damaged, and its kind treats both alike. */
  readonly value: Value | undefined;
  /** Names what a replacement follows. */
  readonly version: RecordVersion;
}

/** The version of a record. */
export type RecordVersion = number | "absent";

/** The records with one prefix and one schema. */
export interface RecordKind<Value, Deps extends RecordsDeps = RecordsDeps>
  extends Pick<RecordKindSpec<TSchema>, "prefix" | "holds" | "kept"> {
  toKey(name: string): string;
  toName(key: string): string;
  /** Returns the value with this name; undefined when it is missing. */
  find(deps: RecordsDeps, name: string): Promise<Value | undefined>;
  /** Returns a page of the names that begin with this text, by name. It shows damaged records as rows that cannot be read. */
  list(deps: RecordsDeps, page: PageInput, beginning?: string): Promise<Page<Value>>;
  /** Returns a page as `list` does, with names. */
  listNamed(deps: RecordsDeps, page: PageInput, beginning?: string): Promise<Page<NamedValue<Value>>>;
  /** Yields all values whose names begin with this text, by name. Throws `STORE_CORRUPT` for one that is damaged. */
  all(deps: RecordsDeps, beginning?: string): AsyncGenerator<Value, void, undefined>;
  /** Lists those values whose names begin with this text that can be read, by name: a damaged one must not hide the others. */
  listReadable(deps: RecordsDeps, beginning?: string): Promise<readonly Value[]>;
  /** Returns false when the name is in use. */
  add(deps: RecordsDeps, name: string, value: NewValue<Value>): Promise<boolean>;
  /**
   * Decides on the present value and writes; decides again when another writer was first. Returns the decision that was
   * stored. Throws `RECORD_CONFLICT` after the last try.
   */
  change<Decision extends ValueDecision<Value>>(
    deps: Deps,
    name: string,
    decide: (found: FoundValue<Value> | undefined, now: number) => Decision | Promise<Decision>,
  ): Promise<Decision>;
  /** Loads a value for work that lies between reading and writing. */
  load(deps: RecordsDeps, name: string): Promise<LoadedValue<Value>>;
  /** Writes or removes what had this version. Returns the next one; undefined when another writer was first. */
  replace(
    deps: RecordsDeps,
    known: { readonly name: string; readonly version: RecordVersion },
    write: NewValue<Value> | "remove",
  ): Promise<RecordVersion | undefined>;
  /** Removes a record, also a damaged one, which is then refused. Returns what it was; undefined when it was missing. */
  remove(deps: RecordsDeps, name: string): Promise<Value | undefined>;
}

/** A value with the name of its record. */
export interface NamedValue<Value> {
  readonly name: string;
  readonly value: Value;
  readonly version: number;
}

/** A stored value. */
export interface FoundValue<Value> {
  readonly value: Value;
  /** Epoch milliseconds. Missing: it does not end by itself. */
  readonly expiresAt?: number | undefined;
}

/**
 * Decides to keep a value for a time from now on. A value that is the same, and kept for more than half of it, is not
 * written again.
 */
export function keepAlive<Value>(
  found: FoundValue<Value> | undefined,
  { value, keepMs, now }: { readonly value: Value; readonly keepMs: number; readonly now: number },
): ValueDecision<Value> {
  const isKept = found !== undefined && (found.expiresAt ?? 0) - now > keepMs / 2;
  if (isKept && JSON.stringify(found.value) === JSON.stringify(value)) return {};
  return { write: { value, expiresAt: now + keepMs } };
}

const PAGE = 100;

/** Defines what records with one prefix are. Nothing is registered: documents and tests collect the kinds. */
export function defineRecordKind<const Schema extends TSchema, Deps extends RecordsDeps = RecordsDeps>(
  spec: RecordKindSpec<Schema, Deps>,
): RecordKind<Static<Schema>, Deps> {
  const { prefix, value: schema, holds, kept, damaged = "refused", tries, conflict, pause, pageSize = PAGE } = spec;
  type Value = Static<Schema>;
  const validator = compileWhenUsed(schema);
  const toKey = (name: string) => `${prefix}${name}`;
  const toName = (key: string) => key.slice(prefix.length);
  const read = ({ value }: StoredRecord): Value | undefined => (validator.Check(value) ? value : undefined);
  const readOne = (record: StoredRecord | undefined): Value | undefined => {
    const value = record && read(record);
    if (record !== undefined && value === undefined && damaged === "refused") throw corruptRecord(record.key);
    return value;
  };
  const list = ({ records, clock }: RecordsDeps, page: PageInput, beginning = "") =>
    records.list(toKey(beginning), { ...page, now: clock.now() });
  const listAll = (deps: RecordsDeps, beginning?: string) =>
    listPages((start: PageStart) => list(deps, { limit: pageSize, ...start }, beginning));

  return {
    prefix,
    holds,
    kept,
    toKey,
    toName,
    find: async ({ records, clock }, name) => readOne(await records.get(toKey(name), clock.now())),
    list: async (deps, page, beginning) => readRecords(await list(deps, page, beginning), read),
    listNamed: async (deps, page, beginning) =>
      readRecords(await list(deps, page, beginning), (record) => {
        const value = read(record);
        return value === undefined ? undefined : { name: toName(record.key), value, version: record.version };
      }),
    async *all(deps, beginning) {
      for await (const page of listAll(deps, beginning)) yield* requireRecords(page, read);
    },
    async listReadable(deps, beginning) {
      const found: Value[] = [];
      for await (const page of listAll(deps, beginning)) found.push(...readRecords(page, read).items);
      return found;
    },
    async add({ records, clock }, name, { value, expiresAt }) {
      const now = clock.now();
      const put = await records.put({ key: toKey(name), value, expected: "absent", now, ...defined({ expiresAt }) });
      return put.kind === "written";
    },
    async change(deps, name, decide) {
      const { made } = await changeRecord({
        ...deps,
        key: toKey(name),
        ...defined({ tries, conflict: conflict?.(name) }),
        pause: async (failed) => pause?.(deps, failed),
        async decide(record, now) {
          const value = readOne(record);
          const found = value === undefined ? undefined : { value, expiresAt: record?.expiresAt };
          const made = await decide(found, now);
          const { write } = made;
          if (write === undefined || write === "remove") return { made, write };
          return { made, write: { value: write.value, expiresAt: write.expiresAt ?? found?.expiresAt } };
        },
      });
      return made;
    },
    async load({ records, clock }, name) {
      const record = await records.get(toKey(name), clock.now());
      return { value: readOne(record), version: record?.version ?? "absent" };
    },
    async replace({ records, clock }, { name, version: expected }, write) {
      const key = toKey(name);
      if (write === "remove")
        return expected === "absent" || (await records.remove(key, expected)) ? "absent" : undefined;
      const { value, expiresAt } = write;
      const put = await records.put({ key, value, expected, now: clock.now(), ...defined({ expiresAt }) });
      return put.kind === "written" ? put.record.version : undefined;
    },
    async remove(deps, name) {
      const { found } = await changeRecord({
        ...deps,
        key: toKey(name),
        decide: (record) => ({ found: record, write: record === undefined ? undefined : ("remove" as const) }),
      });
      return readOne(found);
    },
  };
}
