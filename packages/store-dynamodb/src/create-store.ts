import { randomBytes } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  type Clock,
  defined,
  type Logger,
  type Random,
  RecentMap,
  StackyardError,
  type Store,
  silentLogger,
} from "@stackyard/core";
import {
  createClosable,
  createRecords,
  createStoreListeners,
  type ProjectContext,
  parseStoreOptions,
  systemClock,
} from "@stackyard/core/engine";
import { DynamodbVariables, parseEnvironment, VARIABLE_FORMS } from "@stackyard/core/environment";
import { type Static, Type } from "typebox";
import { createAttemptStore, listOpenAttempts } from "./attempts.ts";
import { createStackStore, publishLast, recordEntries } from "./commit-change.ts";
import { createSerializer, createTable } from "./database.ts";
import { acknowledge, dismiss, enqueue, giveBack, listDeadLetters, redrive } from "./event-queue.ts";
import { listHistory } from "./history.ts";
import { countStacks, listParkedStackIds, listStacks, loadStats } from "./queries.ts";
import { createRecordRows, createRevisions } from "./records.ts";
import { createRecentWork, createYardLog, type StoreContext } from "./store-context.ts";
import { prepareTables, type TableNames } from "./tables.ts";
import { nextDueAt, takeDue, takeOwn } from "./take-due.ts";

function name(description: string) {
  return Type.Optional(Type.String({ minLength: 1, maxLength: 255, description }));
}

/** The options of opening a store. */
export const DynamodbStoreOptions = Type.Object(
  {
    table: Type.String({
      minLength: 1,
      maxLength: 255,
      description:
        "The table of stacks, with the string key `id`. Required; in a project, it can come from the environment",
    }),
    workTable: name("The table of all other records. Default: `<table>-work`"),
    client: Type.Optional(
      Type.Unsafe<DynamoDBClient>({ description: "A `DynamoDBClient`, which you close yourself. Default: its own" }),
    ),
    region: name("The region of its own client. Default: the region that the SDK finds"),
    endpoint: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 2_048,
        description: "The address for its own client, such as `http://127.0.0.1:8000`. Default: that of the service",
      }),
    ),
    createTables: Type.Optional(
      Type.Union([Type.Boolean(), Type.Literal("work")], {
        description:
          '`true` creates missing tables with on-demand billing; `"work"` creates only the work table, and the table of stacks must exist',
        default: false,
      }),
    ),
    logger: Type.Optional(
      Type.Unsafe<Logger>({
        description: "Logs work that is left to the sweep, and unreadable items. Default: none",
      }),
    ),
    clock: Type.Optional(
      Type.Unsafe<Clock>({ description: "The time where callers pass none. Default: the system's" }),
    ),
    random: Type.Optional(
      Type.Unsafe<Random>({
        description: "Spreads the retries of writers after a conflict. Default: `Math.random`",
      }),
    ),
  },
  { additionalProperties: false },
);

/** Options of `createDynamodbStore`. */
export type DynamodbStoreOptions = Readonly<Static<typeof DynamodbStoreOptions>>;

/** Options with their defaults. */
interface StoreSettings {
  readonly client: DynamoDBClient;
  readonly ownsClient: boolean;
  readonly names: TableNames;
  readonly mayCreate: boolean | "work";
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
const NAME = new RegExp(VARIABLE_FORMS.table.pattern);

/** Throws `CONFIG_INVALID` with everything that is wrong. */
function toSettings(options: DynamodbStoreOptions): StoreSettings {
  const names = { stacks: options.table, work: options.workTable ?? `${options.table}-work` };
  const faults = [
    ...Object.values(names)
      .filter((name) => !NAME.test(name))
      .map(
        (name) => `${JSON.stringify(name)} is not a valid table name. Use 3 to 255 letters, digits, "_", "-" and ".".`,
      ),
    ...(names.stacks === names.work ? ["Stacks and work need two tables."] : []),
    ...(options.endpoint === undefined || URL.canParse(options.endpoint) ? [] : ["`endpoint` is not a valid URL."]),
  ];
  if (faults.length > 0) throw new StackyardError("CONFIG_INVALID", faults.join("\n"));
  const { createTables = false, logger = silentLogger } = options;
  const { clock = systemClock, random = Math.random } = options;
  return {
    names,
    logger,
    clock,
    random,
    client: options.client ?? createClient(options),
    ownsClient: options.client === undefined,
    mayCreate: createTables,
  };
}

function createClient({ region, endpoint }: DynamodbStoreOptions): DynamoDBClient {
  const client = new DynamoDBClient(defined({ region, endpoint }));
  // It masks every input and output for a logger, also for the default one, which logs nothing.
  client.middlewareStack.remove("loggerMiddleware");
  return client;
}

/** A store in two DynamoDB tables. */
export interface DynamodbStore extends Store {
  readonly tables: TableNames;
  readonly capabilities: {
    /** False: the stacks' table lacks the index of due work, so each sweep reads the whole table. See `checkTables`. */
    readonly findsDueByIndex: boolean;
  };
  /**
   * As `takeDue`, of queued events, task messages and polls, but only what this process has queued itself in the last
   * minute. Processes that work what their commits have left do not contend for each other's; a sweep with `takeDue`
   * finds what dead ones have left.
   */
  readonly takeOwn: Store["takeDue"];
}

/**
 * Opens the store, after a look at both tables. Any number of processes may have it open. Throws `CONFIG_INVALID` when
 * a table is absent or of another shape, and `STORE_UNAVAILABLE`.
 */
export async function createDynamodbStore(options: DynamodbStoreOptions): Promise<DynamodbStore> {
  const settings = toSettings(options);
  try {
    return assemble(settings, await prepareTables(settings));
  } catch (error) {
    if (settings.ownsClient) settings.client.destroy();
    throw error;
  }
}

function assemble(settings: StoreSettings, { hasDueIndex }: { readonly hasDueIndex: boolean }): DynamodbStore {
  const context = createContext(settings, hasDueIndex);
  return {
    tables: settings.names,
    capabilities: { findsDueByIndex: hasDueIndex },
    ...createClosable(createCalls(context), () => {
      if (settings.ownsClient) settings.client.destroy();
    }),
    watch: (listener) => context.listeners.watch(listener),
  };
}

function createCalls(context: StoreContext): Omit<Store, "watch" | "close"> & Pick<DynamodbStore, "takeOwn"> {
  const { listAttempts, ...attempts } = createAttemptStore(context);
  return {
    ...createStackStore(context),
    ...attempts,
    enqueue: (events) => {
      const queued = events.map((event) => ({ event }));
      return enqueue(context, queued);
    },
    takeDue: (input) => takeDue(context, input),
    takeOwn: (input) => takeOwn(context, input),
    release: (receipts, visibleAt) =>
      visibleAt === undefined ? acknowledge(context, receipts) : giveBack(context, receipts, visibleAt),
    nextDueAt: (kinds) => nextDueAt(context, kinds),
    queries: {
      listStacks: (filter, page) => listStacks(context, filter, page),
      countStacks: (filter, by) => countStacks(context, filter, by),
      listHistory: (filter, page) => listHistory(context, filter, page),
      listAttempts,
      listOpenAttempts: (filter, page) => listOpenAttempts(context, filter, page),
      listParkedStackIds: (page) => listParkedStackIds(context, page),
      listDeadLetters: (filter, page) => listDeadLetters(context, filter, page),
      redrive: (ids, now) => redrive(context, ids, now),
      dismiss: (ids, now) => dismiss(context, ids, now),
      stats: () => loadStats(context),
    },
    memory: {
      list: async () => (await import("./store-memory.ts")).listRemembered(),
      add: async (entries) => (await import("./store-memory.ts")).addRemembered(context, entries),
      findMissing: async (entries) => (await import("./store-memory.ts")).findMissing(context, entries),
    },
    // Read on demand: most invocations of a function end before they prune.
    prune: async (retention, now) => (await import("./prune.ts")).prune(context, retention, now),
    correctAttempts: async (now) => (await import("./prune.ts")).correctAttempts(context, now),
    records: createRecords(createRecordRows(context)),
    revisions: createRevisions(context),
  };
}

function createContext(settings: StoreSettings, hasDueIndex: boolean): StoreContext {
  const { client, names, logger, clock, random } = settings;
  const work = createTable(client, names.work, nextNonce);
  let lastNumber = 0;
  const context: StoreContext = {
    hasDueIndex,
    logger,
    clock,
    random,
    stacks: createTable(client, names.stacks, nextNonce),
    work,
    listeners: createStoreListeners(logger),
    serialize: createSerializer(),
    // For the commit that follows a load: writes are conditional on it, so an old one only makes the commit read after all.
    loaded: new RecentMap(500),
    recent: createRecentWork(clock),
    handedOut: new RecentMap(10_000),
    // A forgotten entry is only checked again.
    done: new RecentMap(10_000),
    record: (stackId, written) => recordEntries(context, stackId, written),
    publish: (stackId, written) => publishLast(context, stackId, written),
    listRow: createYardLog(work),
    nextNumber() {
      lastNumber = Math.max(lastNumber + 1, clock.now() * 1000);
      return lastNumber;
    },
  };
  return context;
}

/** Returns a nonce; short, as every item has one: two writes of the same item have the same in one of 2^64 cases. */
function nextNonce(): string {
  return randomBytes(8).toString("base64url");
}

const { table, workTable, region, endpoint } = DynamodbStoreOptions.properties;
const ProjectOptions = Type.Object(
  { table: Type.Optional(table), workTable, region, endpoint, createTables: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
);

/**
 * Opens the store for `store: { type: "dynamodb", … }` of a project's configuration. Tables that it does
 * not name are those of `DYNAMODB_TABLE` and `DYNAMODB_WORK_TABLE`. Throws `CONFIG_INVALID` with every fault, and as
 * `createDynamodbStore`.
 */
export async function createStore(options: unknown, context: ProjectContext): Promise<DynamodbStore> {
  const { environment, logger, migrate } = context;
  const { createTables = false, ...given } = parseStoreOptions("dynamodb", ProjectOptions, options);
  // Variables that the configuration overrides are not read.
  const { DYNAMODB_TABLE, DYNAMODB_WORK_TABLE } = environment;
  const read = defined({
    DYNAMODB_TABLE: given.table === undefined ? DYNAMODB_TABLE : undefined,
    DYNAMODB_WORK_TABLE: given.workTable === undefined ? DYNAMODB_WORK_TABLE : undefined,
  });
  const variables = parseEnvironment(DynamodbVariables, read, { app: "store" });
  const { table = variables.DYNAMODB_TABLE, workTable = variables.DYNAMODB_WORK_TABLE, ...ofClient } = given;
  if (table === undefined) {
    const message = "No DynamoDB table is configured. Set DYNAMODB_TABLE, or `table` in the project's `store`.";
    throw new StackyardError("CONFIG_INVALID", message);
  }
  return createDynamodbStore(defined({ ...ofClient, table, workTable, createTables: createTables && migrate, logger }));
}
