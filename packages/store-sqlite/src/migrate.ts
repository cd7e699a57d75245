import { StackyardError } from "@stackyard/core";
import type { Database } from "./database.ts";
import { MIGRATIONS, type Migration } from "./migrations/migrations.ts";

/**
 * Brings the schema to the newest version, each step in one transaction. Gives the version that it found. Throws
 * `STORE_TOO_NEW` for a store of a later release, which it leaves as it is.
 */
export function migrate(database: Database, migrations: readonly Migration[] = MIGRATIONS): number {
  const found = readSchemaVersion(database);
  assertNotTooNew(found, migrations);
  for (const migration of migrations) {
    if (migration.version > found) apply(database, migration);
  }
  return found;
}

/** The version of the schema; 0 for an empty file. */
export function readSchemaVersion(database: Database): number {
  return database.get<{ user_version: number }>("pragma user_version")?.user_version ?? 0;
}

/** Throws `STORE_TOO_NEW` when this release does not know the version. */
export function assertNotTooNew(found: number, migrations: readonly Migration[] = MIGRATIONS): void {
  const newest = migrations.at(-1)?.version ?? 0;
  if (found <= newest) return;
  throw new StackyardError(
    "STORE_TOO_NEW",
    `The store has schema version ${found}; this release knows up to ${newest}. Use the release that wrote it, or a later one.`,
    { details: { found, newest } },
  );
}

/** Throws `STORE_TOO_NEW`, and `STORE_UNAVAILABLE` for a database that lacks steps of this release. */
export function assertUpToDate(database: Database, migrations: readonly Migration[] = MIGRATIONS): void {
  const found = readSchemaVersion(database);
  assertNotTooNew(found, migrations);
  const newest = migrations.at(-1)?.version ?? 0;
  if (found === newest) return;
  const message = `The store has schema version ${found}; this release needs ${newest}. \`stackyard migrate\`, or the next start, brings it there.`;
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
