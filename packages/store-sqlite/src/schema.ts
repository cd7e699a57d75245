import { StackyardError } from "@stackyard/core";
import { Database } from "./database.ts";
import { defineFilterFunctions } from "./list-stacks.ts";
import { createPrivate, restrictMode } from "./store-files.ts";

/** One step of the schema: from `version - 1` to `version`. Never changed once it was released. */
interface Migration {
  readonly version: number;
  readonly sql: string;
}

/**
 * The first schema. Writing a row at a random place of a large table costs a whole page in the log, so a transition
 * touches two such pages, that of its stack and that of the stack's open attempts, which are one row that is written
 * over. Everything else is appended. The keys by which appended rows are found (`history_by_stack` and its like) begin
 * with the segment of the row, 32,768 rows each, so that their inserts stay in the few pages of the newest segment; a
 * look-up asks segment by segment, newest first.
 *
 * Instants are epoch milliseconds. Documents are JSON.
 */
const TABLES = `
-- One row a stack. body is null when the stack was removed, at updated_at: for a time, the row keeps its version and the
-- count of its event ids.
create table stack (
  stack_no integer primary key,
  stack_id text not null unique,
  version integer not null,
  machine text,
  state text,
  busy integer,
  trouble integer,
  timer_at integer,
  revision text,
  created_at integer,
  updated_at integer,
  entered_at integer,
  id_count integer not null,
  body text
);
create index stack_timer on stack (timer_at) where timer_at is not null;
create index stack_trouble on stack (stack_id) where trouble is not null;

-- Keys (origin and id) of events that are queued or parked (applied_at is null) or were applied; number counts those of the stack.
-- Senders' ids are their own keys. Those that begin with the time, as ours do, are appended.
create table event_id (
  event_id text not null,
  stack_id text not null,
  applied_at integer,
  number integer,
  primary key (event_id, stack_id)
) without rowid;

create table event_queue (
  seq integer primary key,
  stack_id text not null,
  event_id text not null,
  visible_at integer not null,
  deliveries integer not null,
  queued_at integer not null,
  event text not null
);
create table parked (
  parked_no integer primary key,
  stack_id text not null,
  event_id text not null,
  parked_at integer not null,
  next_try_at integer not null,
  head text not null,
  unique (stack_id, event_id)
);
-- Messages may be large: a stack is loaded without them, and another try does not write them again.
create table parked_message (parked_no integer primary key, message text not null);
create index parked_due on parked (next_try_at);

create table dead_letter (
  position integer primary key,
  id text not null unique,
  stack_id text not null,
  code text not null,
  dead_lettered_at integer not null,
  body text not null
);
create index dead_letter_by_stack on dead_letter (stack_id);
create index dead_letter_by_code on dead_letter (code);

-- A line of the history (body), an attempt that has ended (ended, with the end of its log), or both: the line of a
-- result that a commit applies is one row with the attempt that the commit ends. event_id of an ended attempt is that
-- of its result. What is pruned of a row becomes null.
create table history (
  position integer primary key,
  stack_id text not null,
  event_id text not null,
  at integer not null,
  body text,
  ended text,
  log text
);
create index history_by_stack on history (position >> 15, stack_id);
create index history_by_event on history (position >> 15, event_id);

-- The open attempts of a stack, a JSON list with their messages and the places of those in the queue. By id, by key
-- and by what is due they are found in the memory of the one process that has the store open.
create table open_attempts (stack_no integer primary key, attempts text not null);

-- The version is the yard's count of writes, so none is used again after a removal.
create table record (
  version integer primary key autoincrement,
  key text not null unique,
  value text not null,
  expires_at integer
);
create index record_expires on record (expires_at) where expires_at is not null;

create table revision (
  hash text primary key,
  name text not null,
  first_seen_at integer not null,
  source text not null
) without rowid;
create index revision_by_name on revision (name, first_seen_at, hash);

-- The highest number that was given out in a table whose newest rows may have been pruned.
create table high_water (name text primary key, value integer not null) without rowid;
`;

/** All steps in order. The version of a store is SQLite's `user_version`. */
export const MIGRATIONS: readonly Migration[] = [{ version: 1, sql: TABLES }];

/** "STYD": distinguishes a store from other SQLite files. */
export const APPLICATION_ID = 0x53545944;

/**
 * A transition changes a few hundred bytes in each of some ten pages, and each goes to the log whole: with SQLite's default of
 * 4,096 bytes the log gets 1.7 times as many. Smaller ones would split the documents of stacks. A file keeps the size that it has.
 */
const PAGE_BYTES = 2_048;

/**
 * Pages in the write-ahead log before they are copied into the database file, by the commit that reaches the number. A
 * copy costs a write at a random place for each distinct page and two waits for the disk, so fewer and larger ones are
 * cheaper: 8,000 pages (16 MiB) are copied in some ten milliseconds.
 */
const CHECKPOINT_PAGES = 8_000;
const CACHE_KIB = 65_536;

/** Opens the file of a store: every commit is on the disk when it returns. */
export function openDatabase(file: string): Database {
  createPrivate(file);
  const database = new Database(file);
  try {
    assertOurs(database, file);
    restrictMode(file);
    database.script(`
      pragma page_size = ${PAGE_BYTES};
      pragma journal_mode = wal;
      pragma synchronous = full;
      pragma foreign_keys = on;
      pragma temp_store = memory;
      pragma cache_size = -${CACHE_KIB};
      pragma wal_autocheckpoint = ${CHECKPOINT_PAGES};
      pragma application_id = ${APPLICATION_ID};
    `);
    defineFilterFunctions(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Accepts a store's file, or an empty one. Throws `STORE_CORRUPT` for another program's. */
export function assertOurs(database: Database, file: string): void {
  const id = database.get<{ application_id: number }>("pragma application_id")?.application_id ?? 0;
  if (id === APPLICATION_ID) return;
  const holds = database.get<{ count: number }>("select count(*) as count from sqlite_schema")?.count ?? 0;
  if (id === 0 && holds === 0) return;
  throw new StackyardError("STORE_CORRUPT", `${file} is a database of another program. Name another data folder.`);
}

/**
 * Migrates the schema to the newest version, each step in one transaction. Returns the version that it found. Throws
 * `STORE_TOO_NEW` for a store of a later release, without changing it.
 */
export function migrate(database: Database, migrations: readonly Migration[] = MIGRATIONS): number {
  const found = readSchemaVersion(database);
  assertNotTooNew(found, migrations);
  for (const migration of migrations) {
    if (migration.version > found) apply(database, migration);
  }
  return found;
}

/** Returns the version of the schema; 0 for an empty file. */
export function readSchemaVersion(database: Database): number {
  return database.get<{ user_version: number }>("pragma user_version")?.user_version ?? 0;
}

/** Throws `STORE_TOO_NEW` when this release does not support the version. */
export function assertNotTooNew(found: number, migrations: readonly Migration[] = MIGRATIONS): void {
  const newest = migrations.at(-1)?.version ?? 0;
  if (found <= newest) return;
  const message = `The store has schema version ${found}; this release knows up to ${newest}. Use the release that wrote it, or a later one.`;
  throw new StackyardError("STORE_TOO_NEW", message, { details: { found, newest } });
}

/** Throws `STORE_TOO_NEW`, and `STORE_UNAVAILABLE` for a database that lacks steps of this release. */
export function assertUpToDate(database: Database, migrations: readonly Migration[] = MIGRATIONS): void {
  const found = readSchemaVersion(database);
  assertNotTooNew(found, migrations);
  const newest = migrations.at(-1)?.version ?? 0;
  if (found === newest) return;
  const message = `The store has schema version ${found}; this release needs ${newest}. Run \`stackyard migrate\`, or start the yard, to migrate it.`;
  throw new StackyardError("STORE_UNAVAILABLE", message, { details: { found, newest } });
}

function apply(database: Database, { version, sql }: Migration): void {
  database.script("begin immediate");
  try {
    database.script(sql);
    database.script(`pragma user_version = ${version}`);
    database.script("commit");
  } catch (error) {
    if (database.isTransaction) database.script("rollback");
    throw error;
  }
}
