import { type ExecutorDefinition, StackyardError } from "@stackyard/core";
import { DEFAULT_LIMITS } from "@stackyard/core/machine";
import { createYard } from "@stackyard/core/yard";
import { createSqsTransport } from "@stackyard/transport-sqs";
import { toBatchOptions, toDeleteWorked } from "./answer-batch.ts";
import { type App, type AppHost, type AppOptions, createApp } from "./app.ts";
import { type Environment, type EnvironmentNeeds, parseEnvironment } from "./environment.ts";
import { createEnvironmentAws } from "./environment-aws.ts";
import { type ExecutorDefinitions, toExecutorDefinitions } from "./executor-definitions.ts";
import { followQueues } from "./follow-queues.ts";
import { createInvocationHandler } from "./handle-invocation.ts";
import { loadResultKey } from "./load-result-key.ts";
import { openBulks } from "./open-bulks.ts";
import { openLocator } from "./open-locator.ts";
import { openSealedStore } from "./open-sealed-store.ts";
import { createSenderFinder } from "./queue-senders.ts";
import { runContainer } from "./run-container.ts";
import type { StateManagerParts } from "./state-manager-parts.ts";
import { loadTransportOptions, MAX_DELIVERIES } from "./transport-options.ts";

/** Options of a state manager. */
export interface StateManagerOptions extends AppOptions {
  /** Definitions of executors besides `terraform` and `lambda`, so that machines that name them are checked in full. */
  readonly executors?: readonly ExecutorDefinition[];
}

const NEEDS = {
  app: "state manager",
  required: { SQS_TASK_QUEUE_URL: "tasks are sent there" },
  machines: true,
  store: true,
} as const satisfies EnvironmentNeeds;
const NEEDS_OF_CONTAINER = {
  ...NEEDS,
  required: { ...NEEDS.required, SQS_EVENT_QUEUE_URL: "a container consumes it" },
} as const satisfies EnvironmentNeeds;

/**
 * Creates the app that decides events. In Lambda it is called with batches of the event queue, of `stack-ticks`, and by
 * a schedule each minute; in a container it consumes and sweeps by itself.
 */
export function createStateManager(options: StateManagerOptions = {}): App {
  const { environment: variables = {} } = options;
  return createApp<StateManagerParts>(options, {
    service: "state-manager",
    // A function has its whole processor while it is initialised; the first invocation meets what went wrong.
    opensEarly: variables["AWS_LAMBDA_FUNCTION_NAME"] !== undefined,
    async open(host, place) {
      const environment = parseEnvironment(variables, place === "function" ? NEEDS : NEEDS_OF_CONTAINER);
      const executors = toExecutorDefinitions(options.executors, environment.executorNames);
      return openStateManager({ environment, executors, ...host });
    },
    createHandler: createInvocationHandler,
    run: runContainer,
    close: ({ store }) => store.close(),
  });
}

/** The input of a state manager. */
interface OpenInput extends AppHost {
  readonly environment: Environment;
  readonly executors: ExecutorDefinitions;
}

/**
 * Fewer than the queue's: an event that cannot be decided is dead-lettered with its reason before the queue moves it
 * without one.
 */
const ENGINE_DELIVERIES = MAX_DELIVERIES - 1;
const PARKING = { maxTries: 50, maxParked: 1_000 };
/** Events that one commit may take together. */
const EVENT_BATCH = 50;
/**
 * A timer that another process set while this one slept is at most so late. Each look at DynamoDB is a few dozen reads.
 */
const LONGEST_SLEEP_MS = { dynamodb: 5_000, postgres: 1_000 } as const;

/** Opens the store and makes the rest. Throws what opening throws; nothing is left open then. */
async function openStateManager(input: OpenInput): Promise<StateManagerParts> {
  const { environment, executors, telemetry, clock, ids, random } = input;
  const { logger, tracing } = telemetry;
  const session = { name: `state-manager-${environment.yard}` };
  // A message whose call is denied comes again from its queue; waiting for the role would hold up all other stacks.
  const aws = createEnvironmentAws({ environment, session, clock, logger, retriesDenials: false });
  const [locator, addresses, { store: opened }] = await Promise.all([
    openLocator(given(environment.machines), { aws, executors, clock, logger }),
    loadTransportOptions({ environment, aws, executors, clock, random, logger, tracing }),
    openSealedStore(environment, { aws, clock, logger }),
  ]);
  const findSender = createSenderFinder(environment.queueSenders);
  const queues = { ...addresses, findSender, resultKey: await loadResultKey(opened, clock) };
  const { takeOwn } = opened;
  const { store, ticks } = followQueues(telemetry.instrumentStore(opened), environment, {
    ...queues,
    clock,
    random,
    logger,
  });
  const transport = createSqsTransport(queues);
  const yard = createYard(
    {
      store,
      locator,
      clock,
      ids,
      random,
      logger,
      transport: { ...transport, takeOwn, ticks },
      // This process runs no tasks, so that it needs no more than their definitions.
      executors: new Map(),
      definitions: executors,
    },
    {
      roles: ["engine"],
      engine: toEngineOptions(environment),
      instrument: telemetry.instrumentEngine,
      measure: () => telemetry.measureYard(store),
      eventBatch: EVENT_BATCH,
      retention: environment.retention,
      sweep: { longestSleepMs: LONGEST_SLEEP_MS[environment.store?.kind ?? "postgres"] },
    },
  );
  return {
    environment,
    store,
    yard,
    bulks: openBulks({ store, yard, clock, ids, logger }),
    transport,
    clock,
    logger,
    batches: toBatchOptions(queues, environment.queues.eventDeadLetters),
    deleteWorked: toDeleteWorked(environment, queues),
  };
}

/** Returns a value that the environment of a state manager always contains. */
function given<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new StackyardError("INTERNAL", "The environment was read for another app.");
  return value;
}

/** Returns how events are decided; a runner that decides its results uses the same options. */
export function toEngineOptions({ engine }: Environment) {
  return {
    ...engine,
    parking: { ...PARKING, ...engine.parking },
    limits: { ...DEFAULT_LIMITS, ...engine.limits },
    maxDeliveries: ENGINE_DELIVERIES,
  };
}
