import type { ListedRevision, Store } from "@stackyard/core";
import {
  afterPrefix,
  createPageBuilder,
  type Page,
  type PageInput,
  type RecordRow,
  type RecordRows,
  toRevisionOrder,
} from "@stackyard/core/engine";
import { fromKeyText, toKeyText } from "./column-values.ts";
import type { Database } from "./database.ts";
import { type RevisionNumbers, toRevisionNumber } from "./revision-numbers.ts";
import { toMeantRevision } from "./sql/history-functions.ts";
import { type FetchedRow, maxBytesOf, withinBytes } from "./stored-rows.ts";

const SELECT = `select version, key, value as text, expires_at as "expiresAt" from stackyard.record`;

const GET = { name: "get_record", text: `${SELECT} where key = $1` };

const PUT_NEW = {
  name: "put_new_record",
  text: `
insert into stackyard.record as r (key, version, value, expires_at)
values ($1, nextval('stackyard.record_version'), $2, $3)
on conflict (key) do update set version = excluded.version, value = excluded.value, expires_at = excluded.expires_at
 where r.expires_at <= $4
returning r.version`,
};

const PUT_OVER = {
  name: "put_over_record",
  text: `
update stackyard.record set version = nextval('stackyard.record_version'), value = $2, expires_at = $3
 where key = $1 and version = $5 and (expires_at is null or expires_at > $4)
returning version`,
};

const REMOVE = {
  name: "remove_record",
  text: `
with removed as (delete from stackyard.record where key = $1 and version = $2 returning key)
select exists (select from removed) or not exists (select from stackyard.record where key = $1) as gone`,
};

const LIST = {
  name: "list_records",
  text: withinBytes({
    rows: `${SELECT}
            where key > $1 and key >= $2 and key < $3 and (expires_at is null or expires_at > $4)
            order by key limit $5`,
    body: "text",
    order: "key",
    maxBytes: "$6",
  }),
};

/** Creates the rows of records. Each write takes a version that no record has ever had. */
export function createRecordRows(database: Database): RecordRows {
  async function find(key: string): Promise<RecordRow | undefined> {
    const row = await database.row<RecordRow>(GET, toKeyText(key));
    return row && { ...row, key };
  }

  return {
    find,
    async write({ key, text, expected, expiresAt, now }) {
      const values = [toKeyText(key), text, expiresAt ?? null, now];
      const row =
        expected === "absent"
          ? await database.row<{ version: number }>(PUT_NEW, ...values)
          : await database.row<{ version: number }>(PUT_OVER, ...values, expected);
      if (row === undefined) return { kind: "conflict", current: await find(key) };
      return { kind: "written", version: row.version };
    },
    async remove(key, expected) {
      const row = await database.row<{ gone: boolean }>(REMOVE, toKeyText(key), expected);
      return row?.gone === true;
    },
    async scan({ prefix, after, limit, now }, page) {
      const from = toKeyText(prefix);
      const values = [toKeyText(after), from, afterPrefix(from), now, limit, maxBytesOf(page)];
      const stored = await database.rows<RecordRow & FetchedRow>(LIST, ...values);
      const rows = stored.map((row) => ({ ...row, key: fromKeyText(row.key) }));
      rows.every((row) => page.add(row));
      const last = rows.at(-1);
      return last && rows.length < last.fetched ? last.key : undefined;
    },
  };
}

const PUT_REVISION = {
  name: "put_revision",
  text: `
with added as (
  insert into stackyard.revision (hash, name, source, first_seen_at, number) values ($1, $2, $3, $4, $5) on conflict do nothing
)
select coalesce(${toMeantRevision("$5::bigint")}, $1) as meant`,
};
const GET_REVISION = {
  name: "get_revision",
  text: `
select r.name, r.hash, r.source, r.first_seen_at, ${toMeantRevision("r.number")} as meant
  from stackyard.revision r where r.hash = $1`,
};
// "g" comes after every hexadecimal digit.
const FIND_REVISIONS = {
  name: "find_revision_hashes",
  text: "select hash from stackyard.revision where hash >= $1 and hash < $1 || 'g' and name = $2 order by hash limit 10",
};

interface RevisionRow {
  readonly name: string;
  readonly hash: string;
  readonly first_seen_at: number;
}

interface KeptRevisionRow extends RevisionRow {
  readonly source: string;
  readonly meant: string | null;
}

const LIST_REVISIONS = {
  name: "list_revisions",
  text: `select name, hash, first_seen_at from stackyard.revision
          where hashtextextended(name, 0) = hashtextextended($1, 0) and name = $1 and (first_seen_at, hash) < ($2, $3)
          order by first_seen_at desc, hash desc limit $4`,
};

function toListedRevision({ name, hash, first_seen_at: firstSeenAt }: RevisionRow): ListedRevision {
  return { name: fromKeyText(name), hash: fromKeyText(hash), firstSeenAt };
}

async function listRevisions(database: Database, name: string, page: PageInput): Promise<Page<ListedRevision>> {
  const order = toRevisionOrder(page);
  const { value = Number.MAX_SAFE_INTEGER, id = "" } = order.after ?? {};
  const values = [toKeyText(name), value, toKeyText(id), page.limit + 1];
  const found = createPageBuilder<ListedRevision>(page);
  for (const row of await database.rows<RevisionRow>(LIST_REVISIONS, ...values)) {
    const revision = toListedRevision(row);
    const { hash, firstSeenAt } = revision;
    const cursor = order.toCursor({ value: firstSeenAt, id: hash });
    if (!found.add({ id: hash, cursor, bytes: Buffer.byteLength(hash), read: () => revision })) break;
  }
  return found.end();
}

/** Sources of machines by content hash. */
export function createRevisions(database: Database, numbers: RevisionNumbers): Store["revisions"] {
  return {
    async put({ hash, name, source }, now) {
      const values = [toKeyText(hash), toKeyText(name), toKeyText(source), now, toRevisionNumber(hash)];
      const row = await database.row<{ readonly meant: string }>(PUT_REVISION, ...values);
      if (row !== undefined) numbers.note(hash, row.meant);
    },
    async get(hash) {
      const row = await database.row<KeptRevisionRow>(GET_REVISION, toKeyText(hash));
      if (row !== undefined) numbers.note(hash, row.meant);
      return row && { ...toListedRevision(row), source: fromKeyText(row.source) };
    },
    list: (name, page) => listRevisions(database, name, page),
    async findHashes(name, prefix) {
      const rows = await database.rows<{ readonly hash: string }>(FIND_REVISIONS, toKeyText(prefix), toKeyText(name));
      return rows.map(({ hash }) => hash);
    },
  };
}
