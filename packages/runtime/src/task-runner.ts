import { type AwsAccess, createLimiter, type SessionOptions } from "@stackyard/aws";
import type { Executor, ProvidedService, Transport } from "@stackyard/core";
import type { YardDeps } from "@stackyard/core/engine";
import { provideCalendarFiles, provideSealer, type Sealer } from "@stackyard/core/services";
import { createMessageWorker, createYard, startTasks } from "@stackyard/core/yard";
import type { CommandOptions } from "@stackyard/executor-command";
import type { LambdaOptions } from "@stackyard/executor-lambda";
import type { TerraformOptions } from "@stackyard/executor-terraform";
import { createSqsTransport, type SqsTransportOptions } from "@stackyard/transport-sqs";
import { toBatchOptions, toDeleteWorked } from "./answer-batch.ts";
import { type App, type AppHost, type AppOptions, createApp } from "./app.ts";
import { type Environment, type EnvironmentNeeds, isSet, parseEnvironment, requireEvents } from "./environment.ts";
import { createEnvironmentAws } from "./environment-aws.ts";
import { toExecutorDefinitions } from "./executor-definitions.ts";
import { followQueues } from "./follow-queues.ts";
import { createTaskHandler } from "./handle-tasks.ts";
import { loadResultKey } from "./load-result-key.ts";
import { openCalendars } from "./open-calendars.ts";
import { openLocator } from "./open-locator.ts";
import { openSealedStore } from "./open-sealed-store.ts";
import { provideArrivals } from "./provide-arrivals.ts";
import { runTaskContainer } from "./run-task-container.ts";
import { type ExecutorsInput, loadExecutors, loadProvided, type RunnerPlugin } from "./runner-executors.ts";
import type { SealedStore } from "./sealing.ts";
import { createSkippedExecutors } from "./skipped-executors.ts";
import { toEngineOptions } from "./state-manager.ts";
import { tagSessions } from "./tag-sessions.ts";
import { openTaskLogs } from "./task-logs.ts";
import type { TaskRunnerParts } from "./task-runner-parts.ts";
import { loadTransportOptions } from "./transport-options.ts";

/** Options of a task runner. */
export interface TaskRunnerOptions extends AppOptions {
  /** Executors besides `terraform`, `lambda` and `command`; one of these names takes that one's place. */
  readonly executors?: readonly Executor[];
  /**
   * Plugins, such as that of code hosts: their executors, and with the store the services that they provide to
   * executors. Their other services run in servers, and their commands in the command line.
   */
  readonly plugins?: readonly RunnerPlugin[];
  /** Options of the executor `terraform`, before the environment's. */
  readonly terraform?: TerraformOptions;
  /** Options of the executor `lambda`. Default: every function is called in AWS. */
  readonly lambda?: LambdaOptions;
  /** Options of the executor `command`. Default: no program is allowed. */
  readonly command?: CommandOptions;
  /** The time for which a stopping container waits for running tasks before it asks them to end. Default: 10 s. */
  readonly drainMs?: number;
}

/**
 * Creates the app that runs tasks. With the store (`DYNAMODB_TABLE`, `POSTGRES_CONNECTION_SECRET` or `DATABASE_URL`) it
 * claims them, so that leases, cancels and exclusive keys work; with queues alone it communicates only by messages,
 * like the predecessor's satisfier. With the store and the machines (`MACHINE_LOCATOR`) it also decides the results of
 * its tasks: the end of a task, its stack's next state and the claim of the next task are one commit. In Lambda it is
 * called with batches of the task queue; a container consumes it.
 */
export function createTaskRunner(options: TaskRunnerOptions = {}): App {
  const { environment: variables = {}, executors = [], plugins = [], terraform, lambda, command, drainMs } = options;
  return createApp<TaskRunnerParts>(options, {
    service: "task-runner",
    async open(host, place) {
      const needs = place === "function" ? toNeeds(options) : toContainerNeeds(options);
      const environment = parseEnvironment(variables, needs);
      return openTaskRunner({
        environment,
        variables,
        executors,
        plugins,
        terraform,
        lambda,
        command,
        drainMs,
        ...host,
      });
    },
    createHandler: createTaskHandler,
    run: runTaskContainer,
    close: (parts) => parts.close(),
  });
}

const APP = "task runner";

function toNeeds({ environment = {} }: TaskRunnerOptions): EnvironmentNeeds {
  return { app: APP, required: requireEvents(environment, "results are sent there") };
}

function toContainerNeeds(options: TaskRunnerOptions): EnvironmentNeeds {
  const { environment = {} } = options;
  const { required } = toNeeds(options);
  const hasQueue = isSet(environment, "SQS_TASK_QUEUE_URL") || isSet(environment, "SQS_LONG_TASK_QUEUE_URL");
  const queue = hasQueue ? {} : { SQS_TASK_QUEUE_URL: "a container consumes it, or SQS_LONG_TASK_QUEUE_URL, or both" };
  return { app: APP, required: { ...required, ...queue } };
}

/** The input of a task runner. */
interface OpenTaskRunnerInput extends ExecutorsInput, AppHost {
  /** See `TaskRunnerOptions`. */
  readonly drainMs?: number | undefined;
}

/** Opens the store, where there is one, and makes the rest. Throws what opening throws. */
async function openTaskRunner(input: OpenTaskRunnerInput): Promise<TaskRunnerParts> {
  const { environment, telemetry, clock, ids, random } = input;
  const { logger, tracing } = telemetry;
  const createAccess = createAccesses(input);
  const aws = createAccess({ name: `task-runner-${environment.yard}` });
  const known = await loadExecutors(input, clock);
  const [addresses, sealed] = await Promise.all([
    loadTransportOptions({ environment, aws, executors: known, clock, random, logger, tracing }),
    openNamedStore(input, aws),
  ]);
  // Without the store its results are events like those of any sender.
  const store = sealed?.store;
  const queues = store === undefined ? addresses : { ...addresses, resultKey: await loadResultKey(store, clock) };
  const transport = createSqsTransport(queues);
  const { yard, tasks, skipsTasks } = environment;
  const tagged = tasks.hasSessionTags ? tagSessions(known, { yard, createAccess }) : known;
  const executors = skipsTasks ? createSkippedExecutors(known) : tagged;
  const deps = { executors, aws, clock, ids, logger, transport };
  return {
    environment,
    clock,
    logger,
    ...(sealed === undefined ? connectByMessage(deps, input) : await connect(input, { ...deps, ...sealed, queues })),
    batches: toBatchOptions(queues, environment.queues.taskDeadLetters),
    deleteWorked: toDeleteWorked(environment, queues),
    close: async () => store?.close(),
  };
}

/** Accesses to AWS that differ in their sessions and share one limiter: quotas are the account's. */
function createAccesses({ environment, telemetry: { logger }, clock }: OpenTaskRunnerInput) {
  const limiter = createLimiter({ clock });
  return (session: SessionOptions) => createEnvironmentAws({ environment, session, limiter, clock, logger });
}

async function openNamedStore(
  { environment, telemetry, clock }: OpenTaskRunnerInput,
  aws: AwsAccess,
): Promise<SealedStore | undefined> {
  const { logger } = telemetry;
  const { store, tasks } = environment;
  if (!tasks.hasStore || store === undefined) return undefined;
  const { store: opened, sealer } = await openSealedStore(environment, { aws, clock, logger });
  return { store: telemetry.instrumentStore(opened), sealer };
}

type ConnectedRunner = Pick<TaskRunnerParts, "worker" | "start">;

interface RunnerDeps extends Pick<YardDeps, "executors" | "clock" | "ids" | "logger"> {
  readonly aws: AwsAccess;
  readonly transport: Transport;
}

/**
 * Connects a runner without a store. It has no service for Terraform states, because the lock of a state belongs to an
 * attempt, which only the store contains.
 */
function connectByMessage(deps: RunnerDeps, { environment, drainMs }: OpenTaskRunnerInput): ConnectedRunner {
  const worker = createMessageWorker({ ...deps, publish: deps.transport.publish });
  const { concurrency } = environment.tasks;
  return { worker, start: () => startTasks({ ...deps, worker }, { concurrency, drainMs }) };
}

interface StoreRunnerDeps extends RunnerDeps, SealedStore {
  readonly queues: SqsTransportOptions;
}

async function connect(
  input: OpenTaskRunnerInput,
  { store: opened, queues, transport, sealer, ...deps }: StoreRunnerDeps,
): Promise<ConnectedRunner> {
  const { environment, telemetry, random, drainMs } = input;
  const { machines, calendars = machines, tasks } = environment;
  const { clock, logger } = deps;
  const { takeOwn } = opened;
  const hasTaskQueue = environment.queues.tasks !== undefined;
  // Tasks dispatched by a result must be sent, and its machine must be found.
  const isDirect = hasTaskQueue && machines !== undefined;
  const { store, ticks } = isDirect
    ? followQueues(opened, environment, { ...queues, clock, random, logger })
    : { store: opened };
  const engine = toEngineOptions(environment);
  const options = {
    roles: ["worker"] as const,
    direct: isDirect,
    concurrency: tasks.concurrency,
    drainMs,
    // A result is not a delivery of the queue.
    engine: { ...engine, refusedEvents: engine.refusedEvents === "drop" ? ("drop" as const) : ("park" as const) },
    instrument: telemetry.instrumentEngine,
    worker: {
      services: [
        ...(await loadServices(environment, sealer)),
        ...(calendars === undefined ? [] : [provideCalendarFiles(await openCalendars(calendars, deps.aws))]),
        ...provideArrivals({ environment, clock, logger }),
        ...loadProvided(input, clock),
      ],
    },
  };
  const foreign = {
    ...transport,
    takeOwn,
    ticks,
    // Without the queue of tasks the state manager sends the next task of a key, when the result has reached it.
    ...(hasTaskQueue ? {} : { afterTask: ["event"] as const }),
  };
  // Machines may name executors that only other runners have.
  const definitions = toExecutorDefinitions([...deps.executors.values()], environment.executorNames);
  const locator =
    machines === undefined ? NO_MACHINES : await openLocator(machines, { ...deps, executors: definitions });
  const logs = await openTaskLogs(environment, deps);
  return createYard({ ...deps, store, locator, definitions, random, logs, transport: foreign }, options);
}

/** Results are sent to the queue of events: nothing is decided here. */
const NO_MACHINES: YardDeps["locator"] = { find: async () => ({ kind: "unknown" }), list: async () => [] };

async function loadServices({ tasks }: Environment, sealer: Sealer | undefined): Promise<readonly ProvidedService[]> {
  const { stateBackendUrl } = tasks;
  const services: ProvidedService[] = sealer === undefined ? [] : [provideSealer(sealer)];
  if (stateBackendUrl !== undefined) {
    const { provideTerraformState } = await import("@stackyard/executor-terraform");
    services.push(provideTerraformState(stateBackendUrl));
  }
  return services;
}
