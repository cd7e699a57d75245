import { readFile } from "node:fs/promises";
import { StackyardError, type Store } from "@stackyard/core";
import {
  type Change,
  type CommitResult,
  createRecords,
  type ProjectContext,
  parseStoreOptions,
  type QueuedEvent,
} from "@stackyard/core/engine";
import { PostgresVariables, readEnvironment } from "@stackyard/core/environment";
import { Type } from "typebox";
import {
  type AttemptGroups,
  claimAll,
  createAttemptStore,
  type RenewCall,
  renewAll,
  type SettleCall,
  settleAll,
} from "./attempt-store.ts";
import { Connections, Database, isDataError, type StorePlace, toStoreError } from "./database.ts";
import { GroupedCalls } from "./grouped-calls.ts";
import { assertKeepsSessions } from "./keeps-sessions.ts";
import { migrate } from "./migrate.ts";
import { correctAttempts, createPrune } from "./prune.ts";
import { createStackQueries } from "./queries.ts";
import { createRecordRows, createRevisions } from "./records.ts";
import { createRevisionNumbers, type RevisionNumbers } from "./revision-numbers.ts";
import { Signals, signalsOf } from "./signals.ts";
import { commitAll, loadParked, loadStacks } from "./stack-store.ts";
import { createStoreMemory } from "./store-memory.ts";
import { PostgresStoreOptions, type StoreSettings, toSettings, type UnreadableStack } from "./store-options.ts";
import { listUnreadable, lookAtForeignRows } from "./take-over.ts";
import { acknowledgeAll, createWorkQueue, enqueueAll } from "./work-queue.ts";

/** A store in a PostgreSQL database. */
export interface PostgresStore extends Store {
  /** As it was given. */
  readonly schema: string;
  /**
   * Lists rows of the predecessor's table without a valid stack, with the reasons; `load` of one fails with
   * `STORE_CORRUPT`.
   */
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
  { schema, logger }: Pick<StoreSettings, "schema" | "logger">,
  connections: Connections,
  mayChange: boolean,
): Promise<StorePlace> {
  const client = await connections.connect();
  try {
    await assertKeepsSessions(client, () => connections.connect());
    return await migrate(client, { schema, logger, mayChange });
  } finally {
    await client.end();
  }
}

function assemble(settings: StoreSettings, connections: Connections, database: Database): PostgresStore {
  const { schema, logger } = settings;
  const signals = new Signals({ connections, schema, logger });
  const numbers = createRevisionNumbers();
  const groups = createGroups({ database, signals, numbers }, settings);
  const attempts = createAttemptStore(database, groups, signals);
  let closing: Promise<void> | undefined;
  return {
    schema,
    load: (ids) => loadStacks(database, ids),
    loadParked: (stackId, keys) => loadParked(database, stackId, keys),
    async commit(changes) {
      database.assertOpen();
      return changes.length === 0 ? [] : groups.commits.call(changes);
    },
    ...createWorkQueue(database, groups.enqueues, groups.receipts, signals, logger),
    ...attempts,
    queries: createStackQueries(database, signals, logger),
    memory: createStoreMemory(database),
    prune: createPrune(database),
    correctAttempts: (now) => correctAttempts(database, now),
    listLockHolders: () => database.listLockHolders(),
    listUnreadable: () => listUnreadable(database, logger),
    records: createRecords(createRecordRows(database)),
    revisions: createRevisions(database, numbers),
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

/** Closes the store after all pending calls have settled. */
async function close({ database, signals, connections, groups }: OpenParts): Promise<void> {
  database.refuse();
  await Promise.all(Object.values(groups).map((group) => group.idle()));
  await database.close();
  await signals.close();
  await connections.close();
}

/** Calls of this process that share statements while they wait. */
interface StoreGroups extends AttemptGroups {
  readonly commits: GroupedCalls<readonly Change[], readonly CommitResult[]>;
  readonly enqueues: GroupedCalls<readonly QueuedEvent[], readonly boolean[]>;
  readonly receipts: GroupedCalls<readonly string[], undefined>;
}

/** Groups of each kind that are on their way at the same time: one is written while the next is sent. A third brings nothing. */
const IN_FLIGHT = 2;

/** Creates the groups, which notify listeners after each commit. */
function createGroups(
  { database, signals, numbers }: Pick<OpenParts, "database" | "signals"> & { readonly numbers: RevisionNumbers },
  { maxGroup, maxConnections }: Pick<StoreSettings, "maxGroup" | "maxConnections">,
): StoreGroups {
  // Where nothing gathers, there is nothing to gain by waiting for those before.
  const maxInFlight = maxGroup === 1 ? maxConnections : IN_FLIGHT;
  const common = { maxWeight: maxGroup, maxInFlight, isOwnFault: isDataError };
  const attemptOf = ({ grant }: { readonly grant: { readonly attemptId: string } }) => [grant.attemptId];
  return {
    commits: new GroupedCalls({
      ...common,
      async run(calls: readonly (readonly Change[])[]) {
        const { results, passedKeys } = await commitAll(database, numbers, calls);
        signals.notify(signalsOf(calls.flat(), passedKeys));
        return results;
      },
      keysOf: (changes) => changes.map(({ stackId }) => stackId),
      weightOf: (changes) => changes.length,
    }),
    enqueues: new GroupedCalls({
      ...common,
      run: (calls: readonly (readonly QueuedEvent[])[]) => enqueueAll(database, signals, calls),
      weightOf: (events) => events.length,
      // Events of a stack keep the order of the calls.
      maxInFlight: 1,
    }),
    receipts: new GroupedCalls({
      ...common,
      run: (calls) => acknowledgeAll(database, calls),
      weightOf: (receipts) => receipts.length,
    }),
    claims: new GroupedCalls({
      ...common,
      run: (inputs) => claimAll(database, inputs),
      keysOf: ({ attemptId }) => [attemptId],
    }),
    renewals: new GroupedCalls({
      ...common,
      run: (calls: readonly RenewCall[]) => renewAll(database, calls),
      keysOf: attemptOf,
    }),
    settles: new GroupedCalls({
      ...common,
      async run(calls: readonly SettleCall[]) {
        const { results, passedKeys } = await settleAll(database, calls);
        signals.notify(passedKeys ? ["event", "task"] : ["event"]);
        return results;
      },
      keysOf: attemptOf,
    }),
  };
}

const { maxGroup: _, logger: __, ...ofProject } = PostgresStoreOptions.properties;
const ProjectOptions = Type.Object(
  { ...ofProject, connection: Type.Optional(ofProject.connection) },
  { additionalProperties: false },
);

/**
 * Opens the store for `store: { type: "postgres", … }` of a project's configuration. Without `connection`, the server's
 * address comes from the environment: `DATABASE_URL`, the file in `DATABASE_URL_FILE`, or `POSTGRES_CONNECTION_SECRET`.
 * A file is read again after the server refused the credentials. Throws `CONFIG_INVALID` with every fault, and the
 * errors of `createPostgresStore`.
 */
export async function createStore(options: unknown, context: ProjectContext): Promise<PostgresStore> {
  const { connection, migrate = true, ...rest } = parseStoreOptions("postgres", ProjectOptions, options);
  return createPostgresStore({
    ...rest,
    connection: connection ?? findConnection(context.environment),
    migrate: migrate && context.migrate,
    logger: context.logger,
  });
}

const WHERE =
  'Set DATABASE_URL to an address such as postgres://user:password@host:5432/database, or write `store: { type: "postgres", connection: … }`.';

/** Returns the connection in the environment. */
function findConnection(environment: ProjectContext["environment"]): PostgresStoreOptions["connection"] {
  const { values } = readEnvironment(PostgresVariables, environment);
  const { DATABASE_URL: address, DATABASE_URL_FILE: file } = values;
  if (address !== undefined) return address;
  if (file !== undefined) return () => readConnection(file);
  const secret = values.POSTGRES_CONNECTION_SECRET?.trim() || undefined;
  if (secret === undefined) throw new StackyardError("CONFIG_INVALID", `No Postgres server is configured. ${WHERE}`);
  if (secret.startsWith("{")) return secret;
  const message = `POSTGRES_CONNECTION_SECRET names a secret; here it must hold the secret's JSON, as ECS injects it. ${WHERE}`;
  throw new StackyardError("CONFIG_INVALID", message);
}

async function readConnection(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StackyardError("CONFIG_INVALID", `The file of DATABASE_URL_FILE cannot be read: ${why}.`, { cause });
  }
}
