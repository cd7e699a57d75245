import type { Logger, Store } from "@stackyard/core";
import { createAttemptStore } from "./attempt-store.ts";
import { Connections } from "./connections.ts";
import { createGroups, type StoreGroups } from "./create-groups.ts";
import { createRecords } from "./create-records.ts";
import { createRevisions } from "./create-revisions.ts";
import { Database, type StorePlace } from "./database.ts";
import { migrate } from "./migrate.ts";
import { type PostgresStoreOptions, type StoreSettings, toSettings } from "./postgres-store-options.ts";
import { Signals } from "./signals.ts";
import { createStackQueries } from "./stack-queries.ts";
import { loadStacks } from "./stack-store.ts";
import { listUnreadable, lookAtForeignRows, type UnreadableStack } from "./take-over.ts";
import { toStoreError } from "./to-store-error.ts";
import { createWorkQueue } from "./work-queue.ts";

/** A store in a PostgreSQL database. */
export interface PostgresStore extends Store {
  /** As it was given. */
  readonly schema: string;
  /** Rows of the predecessor's table that hold no stack, with the reasons; `load` of one fails with `STORE_CORRUPT`. */
  listUnreadable(): Promise<readonly UnreadableStack[]>;
}

/**
 * Opens the store in a database, and makes or migrates its schema as needed. Any number of processes may have it open.
 * Throws `CONFIG_INVALID`, `STORE_TOO_NEW`, `STORE_CORRUPT` and `STORE_UNAVAILABLE`.
 */
export async function createPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  const settings = toSettings(options);
  const connections = new Connections(settings);
  try {
    const place = await prepare(settings, connections, settings.migrate);
    const database = new Database(connections, place, settings);
    await lookAtForeignRows(database, settings.logger);
    return assemble(settings, connections, database);
  } catch (error) {
    await connections.close();
    throw toStoreError(error);
  }
}

/** Makes or migrates the schema and does nothing else, for a role that may do so. Throws as `createPostgresStore`. */
export async function migratePostgresStore(options: PostgresStoreOptions): Promise<void> {
  const settings = toSettings(options);
  const connections = new Connections(settings);
  try {
    await prepare(settings, connections, true);
  } catch (error) {
    throw toStoreError(error);
  } finally {
    await connections.close();
  }
}

async function prepare(
  { schema, logger }: { readonly schema: string; readonly logger: Logger },
  connections: Connections,
  mayChange: boolean,
): Promise<StorePlace> {
  const client = await connections.connect();
  try {
    return await migrate(client, { schema, logger, mayChange });
  } finally {
    await client.end();
  }
}

function assemble(settings: StoreSettings, connections: Connections, database: Database): PostgresStore {
  const { schema, logger } = settings;
  const signals = new Signals({ connections, schema, logger });
  const groups = createGroups(database, signals, settings);
  const attempts = createAttemptStore(database, groups, { signals, runnersHaveStore: settings.runnersHaveStore });
  let closing: Promise<void> | undefined;
  return {
    schema,
    load: (ids) => loadStacks(database, ids),
    async commit(changes) {
      database.assertOpen();
      return changes.length === 0 ? [] : groups.commits.call(changes);
    },
    ...createWorkQueue(database, groups.enqueues, groups.acknowledges, signals),
    ...attempts,
    ...createStackQueries(database, signals, logger),
    listUnreadable: () => listUnreadable(database, logger),
    records: createRecords(database),
    revisions: createRevisions(database),
    watch: (listener) => signals.watch(listener),
    close() {
      closing ??= close({ database, signals, connections, groups });
      return closing;
    },
  };
}

interface OpenParts {
  readonly database: Database;
  readonly signals: Signals;
  readonly connections: Connections;
  readonly groups: StoreGroups;
}

/** What was asked for before is answered. */
async function close({ database, signals, connections, groups }: OpenParts): Promise<void> {
  database.refuse();
  await Promise.all(Object.values(groups).map((group) => group.idle()));
  await database.close();
  await signals.close();
  await connections.close();
}
