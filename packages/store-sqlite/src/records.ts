import type { KeptRevision, ListedRevision, Store } from "@stackyard/core";
import {
  afterPrefix,
  createPageBuilder,
  isExpected,
  type Page,
  type PageInput,
  type RecordRow,
  type RecordRows,
  toRevisionOrder,
} from "@stackyard/core/engine";
import { byteLengthOf, type Database } from "./database.ts";
import type { GroupCommit } from "./group-commit.ts";

const SELECT = "select version, key, value as text, expires_at as expiresAt from record";

/** Creates the rows of records. Each write takes a version that no record ever had. */
export function createRecordRows(commits: GroupCommit): RecordRows {
  const find = (database: Database, key: string) => database.get<RecordRow>(`${SELECT} where key = ?`, key);
  return {
    find: (key) => commits.read(({ database }) => find(database, key)),
    write: ({ key, text, expiresAt, ...condition }) =>
      commits.write(({ database }) => {
        const current = find(database, key);
        if (!isExpected(current, condition)) return { kind: "conflict", current };
        const insert = "insert or replace into record (key, value, expires_at) values (?, ?, ?) returning version";
        const written = database.get<{ readonly version: number }>(insert, key, text, expiresAt);
        if (written === undefined) throw new Error("SQLite returned no row of an insert.");
        return { kind: "written", version: written.version };
      }),
    remove: (key, expected) =>
      commits.write(({ database }) => {
        if (database.run("delete from record where key = ? and version = ?", key, expected) > 0) return true;
        return find(database, key) === undefined;
      }),
    scan: ({ prefix, after }, page) =>
      commits.read(({ database }) => {
        const select = `${SELECT} where key > ? and key >= ? and key < ? order by key`;
        const rows = database.each<RecordRow>(select, after, prefix, afterPrefix(prefix));
        for (const row of rows) if (!page.add(row)) break;
        return undefined;
      }),
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
