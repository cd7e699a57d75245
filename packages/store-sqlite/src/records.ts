import type { KeptRevision, ListedRevision, PutRecordInput, PutRecordResult, Records, Store } from "@stackyard/core";
import {
  afterPrefix,
  createPageBuilder,
  type Page,
  type PageInput,
  parseStored,
  type StoredRecord,
  toRecordText,
  toRevisionOrder,
} from "@stackyard/core/engine";
import { byteLengthOf, type Database } from "./database.ts";
import type { GroupCommit, Transaction } from "./group-commit.ts";

/** Creates storage for small documents under keys, independent of stacks. */
export function createRecords(commits: GroupCommit): Records {
  return {
    get: (key, now) => commits.read(({ database }) => findRecord(database, key, now)),
    async put({ value, ...input }) {
      const text = toRecordText(input.key, value);
      return commits.write((transaction) => putRecord(transaction, input, text));
    },
    remove: (key, expected) => commits.write((transaction) => removeRecord(transaction, key, expected)),
    list: (prefix, page) => commits.read(({ database }) => listRecords(database, prefix, page)),
  };
}

/** Sources of machines by content hash. */
export function createRevisions(commits: GroupCommit): Store["revisions"] {
  return {
    put: ({ hash, name, source }, now) =>
      commits.write(({ database }) => {
        const insert =
          "insert into revision (hash, name, source, first_seen_at) values (?, ?, ?, ?) on conflict do nothing";
        database.run(insert, hash, name, source, now);
      }),
    list: (name, page) => commits.read(({ database }) => listRevisions(database, name, page)),
    get: (hash) =>
      commits.read(({ database }) => {
        const columns = "name, hash, source, first_seen_at as firstSeenAt";
        const row = database.get<KeptRevision>(`select ${columns} from revision where hash = ?`, hash);
        // Rows have no prototype; what callers compare has.
        return row === undefined ? undefined : { ...row };
      }),
    // "g" comes after every hexadecimal digit.
    findHashes: (name, prefix) =>
      commits.read(({ database }) => {
        const select = "select hash from revision where hash >= ? and hash < ? and name = ? order by hash limit 10";
        const rows = database.all<{ readonly hash: string }>(select, prefix, `${prefix}g`, name);
        return rows.map(({ hash }) => hash);
      }),
  };
}

function listRevisions(database: Database, name: string, page: PageInput): Page<ListedRevision> {
  const order = toRevisionOrder(page);
  const { value = Number.MAX_SAFE_INTEGER, id = "" } = order.after ?? {};
  const select = `select name, hash, first_seen_at as firstSeenAt from revision
      where name = ? and (first_seen_at, hash) < (?, ?) order by first_seen_at desc, hash desc limit ?`;
  const rows = database.each<ListedRevision>(select, name, value, id, page.limit + 1);
  const found = createPageBuilder<ListedRevision>(page);
  for (const row of rows) {
    const { hash, firstSeenAt } = row;
    const cursor = order.toCursor({ value: firstSeenAt, id: hash });
    if (!found.add({ id: hash, cursor, bytes: byteLengthOf(hash), read: () => ({ ...row }) })) break;
  }
  return found.end();
}

interface RecordRow {
  readonly version: number;
  readonly key: string;
  readonly value: string;
  readonly expires_at: number | null;
}

const COLUMNS = "version, key, value, expires_at";

/** Finds the record, unless it is expired. */
function findRecord(database: Database, key: string, now: number): StoredRecord | undefined {
  const select = `select ${COLUMNS} from record where key = ? and (expires_at is null or expires_at > ?)`;
  const row = database.get<RecordRow>(select, key, now);
  return row === undefined ? undefined : toRecord(row);
}

/** Writes if the stored version is the expected one. Each write takes a version that no record ever had. */
function putRecord(
  { database }: Transaction,
  { key, expected, expiresAt, now }: Omit<PutRecordInput, "value">,
  value: string,
): PutRecordResult {
  const current = findRecord(database, key, now);
  if ((current?.version ?? "absent") !== expected) return { kind: "conflict", current };
  const insert = `insert or replace into record (key, value, expires_at) values (?, ?, ?) returning ${COLUMNS}`;
  const written = database.get<RecordRow>(insert, key, value, expiresAt ?? null);
  if (written === undefined) throw new Error("SQLite returned no row of an insert.");
  return { kind: "written", record: toRecord(written) };
}

/** Removes a record. Returns true when it does not exist afterwards. */
function removeRecord({ database }: Transaction, key: string, expected: number): boolean {
  if (database.run("delete from record where key = ? and version = ?", key, expected) > 0) return true;
  return database.get("select 1 from record where key = ?", key) === undefined;
}

/** Records in order of keys. */
function listRecords(
  database: Database,
  prefix: string,
  page: PageInput & { readonly now: number },
): Page<StoredRecord> {
  const rows = database.each<RecordRow>(
    `select ${COLUMNS} from record
      where key > ? and key >= ? and key < ? and (expires_at is null or expires_at > ?) order by key limit ?`,
    page.cursor ?? "",
    prefix,
    afterPrefix(prefix),
    page.now,
    page.limit + 1,
  );
  const found = createPageBuilder<StoredRecord>(page);
  for (const row of rows) {
    const { key, value } = row;
    if (!found.add({ id: key, cursor: key, bytes: byteLengthOf(value), read: () => toRecord(row) })) break;
  }
  return found.end();
}

function toRecord({ key, version, value, expires_at: expiresAt }: RecordRow): StoredRecord {
  const parsed = parseStored.json(value, `record ${JSON.stringify(key)}`);
  return { key, version, value: parsed, ...(expiresAt === null ? {} : { expiresAt }) };
}
