import { type Logger, StackyardError } from "@stackyard/core";
import type pg from "pg";
import { inSchema, type StorePlace } from "./database.ts";
import { CLAIM_ATTEMPTS, CLAIM_KEYED, MOVE_ATTEMPTS, SETTLE_ATTEMPTS } from "./sql/attempt-functions.ts";
import { COMMIT_CHANGE, COMMIT_RESULT } from "./sql/commit-functions.ts";
import { ENQUEUE_EVENTS, GIVE_BACK_ROWS, REDRIVE, REMOVE_EVENTS, TAKE_EVENTS } from "./sql/event-functions.ts";
import { CHANGED_HANDS, COUNT_STATES, FIND_ENDED, HISTORY_END, UTC } from "./sql/history-functions.ts";
import { FOREIGN_WRITES, STACKS, STACKS_INDEXES, STACKS_TAKEN_OVER, TABLES } from "./sql/tables.ts";

/** The input of a migration, for a store whose schema is older than this release. */
export interface MigrateInput {
  readonly schema: string;
  /** False: nothing is changed, and a store that lacks a step is refused. */
  readonly mayChange: boolean;
  readonly logger: Logger;
  readonly migrations?: readonly Migration[];
}

interface StepRow {
  readonly step: number;
  readonly name: string;
  readonly works_from: number;
  readonly stacks_schema: string;
}

const PREDECESSOR = "public";
// Older ones lack what the statements use, and are out of support.
const OLDEST_SERVER = 130_000;

/**
 * Migrates the schema to this release's newest step, all steps in one transaction, one process at a time. Only reads an
 * up-to-date store. Accepts the store of a later release if its steps declare that this release works with it. Throws
 * `STORE_TOO_NEW`, `CONFIG_INVALID` for an unsupported server, and `STORE_UNAVAILABLE` if steps are missing and
 * migration is not allowed.
 */
export async function migrate(client: pg.ClientBase, input: MigrateInput): Promise<StorePlace> {
  const { schema, migrations = MIGRATIONS } = input;
  await assertServer(client);
  const found = await readSteps(client, schema);
  assertNotTooNew(found, migrations);
  const missing = listMissing(found, migrations);
  const [first] = found;
  if (missing.length === 0 && first !== undefined) return { schema, stacksSchema: first.stacks_schema };
  if (!input.mayChange) throw lacks(missing, schema);
  return applyMissing(client, input);
}

async function applyMissing(client: pg.ClientBase, input: MigrateInput): Promise<StorePlace> {
  await client.query("begin");
  try {
    const place = await applyInTransaction(client, input);
    await client.query("commit");
    return place;
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}

async function applyInTransaction(client: pg.ClientBase, input: MigrateInput): Promise<StorePlace> {
  const { schema, logger, migrations = MIGRATIONS } = input;
  // Statistics may be missing for long, and a lock on the predecessor's table may have to be waited for.
  await client.query("set local statement_timeout = 0; set local lock_timeout = 0");
  await client.query("select pg_advisory_xact_lock(hashtext($1), 1)", [`${schema}.migrate`]);
  await client.query(`create schema if not exists ${schema}`);
  await client.query(inSchema(STEPS_TABLE, schema));
  // Another process may have been first.
  const found = await readSteps(client, schema);
  assertNotTooNew(found, migrations);
  const stacksSchema = found[0]?.stacks_schema ?? (await chooseStacksSchema(client, schema));
  for (const migration of listMissing(found, migrations)) {
    const { step, name, worksFrom, sql, takenOverSql = sql } = migration;
    await client.query(inSchema(stacksSchema === schema ? sql : takenOverSql, schema, stacksSchema));
    await client.query(inSchema(ADD_STEP, schema), [step, name, worksFrom, stacksSchema]);
    logger.info("The schema of the store was migrated.", { schema, step, name });
  }
  return { schema, stacksSchema };
}

const STEPS_TABLE = `create table if not exists stackyard.migration (
  step int primary key, name text not null, works_from int not null, stacks_schema text not null,
  applied_at timestamptz not null default now())`;
const ADD_STEP = "insert into stackyard.migration (step, name, works_from, stacks_schema) values ($1, $2, $3, $4)";
const READ_STEPS = "select step, name, works_from, stacks_schema from stackyard.migration order by step";

async function readSteps(client: pg.ClientBase, schema: string): Promise<readonly StepRow[]> {
  const { rows } = await client.query<{ there: boolean }>("select to_regclass($1) is not null as there", [
    `${schema}.migration`,
  ]);
  if (rows[0]?.there !== true) return [];
  return (await client.query<StepRow>(inSchema(READ_STEPS, schema))).rows;
}

function listMissing(found: readonly StepRow[], migrations: readonly Migration[]): readonly Migration[] {
  const steps = new Set(found.map(({ step }) => step));
  return migrations.filter(({ step }) => !steps.has(step));
}

function assertNotTooNew(found: readonly StepRow[], migrations: readonly Migration[]): void {
  const newest = migrations.at(-1)?.step ?? 0;
  const refusing = found.find(({ works_from }) => works_from > newest);
  if (refusing === undefined) return;
  throw new StackyardError(
    "STORE_TOO_NEW",
    `The store has step ${refusing.step} (${refusing.name}), which works with releases that know step ` +
      `${refusing.works_from}; this one knows ${newest}. Use a later release.`,
    { details: { found: refusing.step, needed: refusing.works_from, newest } },
  );
}

function lacks(missing: readonly Migration[], schema: string): StackyardError {
  const names = missing.map(({ step, name }) => `${step} (${name})`).join(", ");
  const message = `The schema "${schema}" lacks step ${names}. Run \`stackyard migrate\` (or \`migratePostgresStore\`) as a role that may make tables.`;
  return new StackyardError("STORE_UNAVAILABLE", message);
}

async function assertServer(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ version: string; encoding: string }>(
    "select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding",
  );
  const { version = "0", encoding = "" } = rows[0] ?? {};
  if (Number(version) < OLDEST_SERVER) throw unfit(`PostgreSQL 13 or later is needed; this one is ${version}`);
  if (encoding !== "UTF8") throw unfit(`The database must be encoded in UTF8; this one is in ${encoding}`);
}

function unfit(message: string): StackyardError {
  return new StackyardError("CONFIG_INVALID", `${message}. Use another server or database.`);
}

/** Returns the schema of the predecessor's table if it exists and is not adopted yet, otherwise the store's own. */
async function chooseStacksSchema(client: pg.ClientBase, schema: string): Promise<string> {
  const { rows } = await client.query<{ name: string }>(
    "select column_name as name from information_schema.columns where table_schema = $1 and table_name = 'stacks'",
    [PREDECESSOR],
  );
  const columns = new Set(rows.map(({ name }) => name));
  const isPredecessors = ["id", "data", "creation_time", "last_updated_time"].every((name) => columns.has(name));
  return isPredecessors && !columns.has("version") ? PREDECESSOR : schema;
}

/** One step of the schema. Never changed once it was released. */
export interface Migration {
  /** 1, 2, 3 … */
  readonly step: number;
  readonly name: string;
  /** The last step that a program must support to work with a store that has this one. */
  readonly worksFrom: number;
  /** Statements with `stackyard.` before every name, which is replaced by the schema's. */
  readonly sql: string;
  /** The same for a store that lives in a table of the predecessor, where that differs. */
  readonly takenOverSql?: string;
}

const FUNCTIONS = [
  UTC,
  ENQUEUE_EVENTS,
  REMOVE_EVENTS,
  GIVE_BACK_ROWS,
  TAKE_EVENTS,
  REDRIVE,
  HISTORY_END,
  FIND_ENDED,
  COUNT_STATES,
  CHANGED_HANDS,
  MOVE_ATTEMPTS,
  SETTLE_ATTEMPTS,
  CLAIM_ATTEMPTS,
  CLAIM_KEYED,
  COMMIT_CHANGE,
  COMMIT_RESULT,
];

const REST = [STACKS_INDEXES, TABLES, ...FUNCTIONS].join("\n");

/**
 * All steps in order. A step only adds (tables, columns with defaults, functions under new names): the release before
 * it keeps working while both run. `worksFrom` declares this.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    step: 1,
    name: "tables",
    worksFrom: 1,
    sql: [STACKS, REST].join("\n"),
    takenOverSql: [STACKS_TAKEN_OVER, REST, FOREIGN_WRITES].join("\n"),
  },
];
