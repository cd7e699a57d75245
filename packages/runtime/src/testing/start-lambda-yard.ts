import type { Clock, Store } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { createLambdaHost, type EventSource, type FunctionInput, type LambdaHost } from "@stackyard/lambda-host";
import { createDynamodbStore } from "@stackyard/store-dynamodb";
import { createPostgresStore } from "@stackyard/store-postgres";
import { createStateManager } from "../state-manager.ts";
import { createTaskRunner, type TaskRunnerOptions } from "../task-runner.ts";
import { toPausingClock } from "./pausing-clock.ts";
import { silentTelemetry } from "./silent-telemetry.ts";
import type { Account } from "./start-account.ts";

/** A yard of both functions in Lambda, behind queues as CloudSeam's users have set them up. */
export interface LambdaYard {
  readonly host: LambdaHost;
  readonly queues: Readonly<Record<QueueName, string>>;
  /** The event source mappings. */
  readonly sources: Readonly<Record<"events" | "tasks", EventSource>>;
  send(...events: readonly unknown[]): Promise<void>;
  /** Returns a stack as `BUILD PENDING ERROR`, or empty when it does not exist. */
  find(stackId: string): Promise<string>;
  /** Returns why tasks of a stack have failed. */
  findErrors(stackId: string): Promise<readonly string[]>;
  /**
   * Origins of the results in a stack's history: `internal` for those that a runner has proven or the store has kept.
   */
  findResultOrigins(stackId: string): Promise<readonly ("internal" | "external")[]>;
  /** Returns how the invocations of a function have ended, in their order. */
  outcomes(functionName: FunctionName): readonly string[];
  /** Counts the messages of a queue, visible or not. */
  count(queue: QueueName): Promise<number>;
  stop(): Promise<void>;
}

type QueueName = "events" | "tasks" | "eventDeadLetters" | "taskDeadLetters";
type FunctionName = "state-manager" | "task-runner";

type AppHandler = ReturnType<typeof createStateManager>["handler"];

/** The parts of a yard that differ from the predecessor's. */
export interface LambdaYardInput {
  readonly account: Account;
  readonly machines: Readonly<Record<string, string>>;
  readonly store?: "dynamodb" | "postgres";
  readonly suffix?: "" | ".fifo";
  readonly clock?: Clock;
  /** True if the runner has the store. Default: it runs without a store, with only the queue of events. */
  readonly runnerHasStore?: boolean;
  /** True if the runner has the machines too, and decides the results of its tasks. */
  readonly runnerDecides?: boolean;
  readonly managerEnvironment?: Readonly<Record<string, string>>;
  readonly runnerEnvironment?: Readonly<Record<string, string>>;
  readonly manager?: Partial<FunctionInput>;
  readonly runner?: Partial<FunctionInput>;
  readonly runnerOptions?: TaskRunnerOptions;
  /** Messages of a batch. Default: one, as the predecessor's. */
  readonly batchSize?: number;
  /** Whether the mappings read partial batch responses. Default: where batches are of more than one. */
  readonly reportsFailures?: boolean;
  /** True if functions do not know when they end, like one whose processor is busy: they are killed at their timeout. */
  readonly hidesTime?: boolean;
  /** Events that are in their queue before a function reads it. */
  readonly backlog?: readonly unknown[];
}

let yards = 0;

/** Makes queues with dead-letter queues, a table or a database, machines in S3, both functions and their mappings. */
export async function startLambdaYard(input: LambdaYardInput): Promise<LambdaYard> {
  const { account, batchSize = 1, reportsFailures = batchSize > 1 } = input;
  const { cloud } = account;
  const clock = toPausingClock(input.clock ?? systemClock);
  yards += 1;
  const queues = await createQueues(input, `${yards}${input.suffix ?? ""}`);
  const { environment: placed, store } = await createStorePlace({ ...input, clock }, yards);
  const bucket = `yard-machines-${yards}`;
  const objects = Object.entries(input.machines).map(([name, source]) => [`m/${name}.yml`, source] as const);
  await cloud.createBucket(bucket, Object.fromEntries(objects));

  const machines = { MACHINE_LOCATOR: "S3", MACHINE_S3_BUCKET: bucket, MACHINE_S3_KEY: "m" };
  const hideTime = (handler: AppHandler): AppHandler =>
    input.hidesTime === true ? (event) => handler(event, {}) : handler;
  const host = createLambdaHost({ sqs: cloud.sqs, clock, countMessages: cloud.countMessages });
  host.addFunction({
    // The timeouts and concurrencies of CloudSeam's documentation.
    name: "state-manager",
    timeoutMs: 30_000,
    reservedConcurrency: 1,
    environment: {
      ...account.environment,
      ...placed,
      SQS_TASK_QUEUE_URL: queues.tasks,
      ...machines,
      ...input.managerEnvironment,
    },
    create: (environment) => hideTime(createStateManager({ environment, clock, telemetry: silentTelemetry }).handler),
    ...input.manager,
  });
  const withStore = input.runnerHasStore ? { ...placed, SQS_TASK_QUEUE_URL: queues.tasks } : {};
  host.addFunction({
    name: "task-runner",
    timeoutMs: 600_000,
    reservedConcurrency: 10,
    environment: {
      ...account.environment,
      ...withStore,
      SQS_EVENT_QUEUE_URL: queues.events,
      ...(input.runnerDecides === true ? machines : {}),
      ...input.runnerEnvironment,
    },
    create: (environment) => {
      return hideTime(
        createTaskRunner({ clock, telemetry: silentTelemetry, ...input.runnerOptions, environment }).handler,
      );
    },
    ...input.runner,
  });
  for (const event of input.backlog ?? []) await cloud.send(queues.events, event);
  const connect = (queueUrl: string, functionName: FunctionName) =>
    host.connect({ batchSize, reportsFailures, queueUrl, functionName });
  const sources = {
    events: await connect(queues.events, "state-manager"),
    tasks: await connect(queues.tasks, "task-runner"),
  };

  return {
    host,
    queues,
    sources,
    send: async (...events) => {
      for (const event of events) await cloud.send(queues.events, event);
    },
    ...toFinders(store),
    outcomes: (name) =>
      host.invocations.filter(({ functionName }) => functionName === name).map(({ outcome }) => outcome.kind),
    count: (queue) => countMessages(account, queues[queue]),
    async stop() {
      host.stop();
      await store.close();
    },
  };
}

function toFinders(store: Store): Pick<LambdaYard, "find" | "findErrors" | "findResultOrigins"> {
  return {
    async find(stackId) {
      const [{ stack } = {}] = await store.load([stackId]);
      return [stack?.state ?? "", ...(stack?.tasks.map(({ status }) => status) ?? [])].join(" ");
    },
    async findErrors(stackId) {
      const [{ stack } = {}] = await store.load([stackId]);
      return stack?.tasks.flatMap(({ errorMessage = [] }) => errorMessage) ?? [];
    },
    async findResultOrigins(stackId) {
      const { items } = await store.queries.listHistory({ stackId }, { limit: 100 });
      const results = items.filter(({ event }) => event === "TASK_COMPLETED");
      return results.map(({ internal }) => (internal ? "internal" : "external"));
    },
  };
}

async function createQueues({ account: { cloud } }: LambdaYardInput, suffix: string): Promise<LambdaYard["queues"]> {
  const create = (name: string, attributes: Readonly<Record<string, string>> = {}) =>
    cloud.createQueue(`${name}-y${suffix}`, attributes);
  const redrive = (name: string) => {
    const deadLetterTargetArn = `arn:aws:sqs:eu-west-1:000000000000:${name}-y${suffix}`;
    return { RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: "5" }) };
  };
  return {
    eventDeadLetters: await create("event-dead-letters"),
    taskDeadLetters: await create("task-dead-letters"),
    events: await create("stack-events", { VisibilityTimeout: "30", ...redrive("event-dead-letters") }),
    tasks: await create("stack-tasks", { VisibilityTimeout: "600", ...redrive("task-dead-letters") }),
  };
}

interface StorePlace {
  readonly environment: Readonly<Record<string, string>>;
  readonly store: Store;
}

async function createStorePlace(
  { account, store = "dynamodb", clock = systemClock }: LambdaYardInput,
  number: number,
): Promise<StorePlace> {
  if (store === "postgres") return createDatabase(account, number);
  const table = `Stacks-y${number}`;
  await account.cloud.createTable(table);
  const client = account.cloud.dynamodb;
  const environment = { DYNAMODB_TABLE: table };
  return { environment, store: await createDynamodbStore({ table, client, clock, createTables: "work" }) };
}

/** Creates the place of a yard in the account's database, which all its yards share; the ids of their stacks differ. */
async function createDatabase({ postgres, createSecret }: Account, number: number): Promise<StorePlace> {
  if (postgres === undefined) throw new TypeError("This account has no database.");
  const { hostname: host, port, pathname } = new URL(postgres.url);
  // As RDS writes it.
  const login = { engine: "postgres", username: "postgres", password: "postgres", dbname: pathname.slice(1) };
  const secret = createSecret(`database-${number}`, { ...login, host, port: Number(port) });
  const environment = { POSTGRES_CONNECTION_SECRET: secret };
  return { environment, store: await createPostgresStore({ connection: postgres.url, maxConnections: 2 }) };
}

async function countMessages({ cloud }: Account, queueUrl: string): Promise<number> {
  const { visible, hidden } = await cloud.countMessages(queueUrl);
  return visible + hidden;
}
