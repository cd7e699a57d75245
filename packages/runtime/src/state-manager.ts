import type { LambdaContext } from "@stackyard/aws";
import {
  type Clock,
  type ExecutorDefinition,
  type Ids,
  isStackyardError,
  type Logger,
  type Random,
  StackyardError,
  type Store,
  type Transport,
} from "@stackyard/core";
import { type Bulks, createBulks, createYard, type SweepReport, type Yard } from "@stackyard/core/engine";
import { DEFAULT_LIMITS } from "@stackyard/core/machine";
import {
  type BatchOptions,
  createDeadLetterSender,
  createEventBatchHandler,
  createQueueSender,
  createSqsTransport,
  parseSqsBatch,
  type SqsBatch,
  type SqsBatchResponse,
  type SqsTransportOptions,
} from "@stackyard/transport-sqs";
import { type App, type AppHost, type AppOptions, createApp, untilAborted } from "./app.ts";
import { type Environment, type EnvironmentNeeds, parseEnvironment } from "./environment.ts";
import {
  answerBatch,
  type DeleteWorked,
  isScheduleEvent,
  toBatchOptions,
  toDeleteWorked,
  toQueueName,
} from "./lambda-batch.ts";
import {
  createEnvironmentAws,
  type ExecutorDefinitions,
  loadResultKey,
  loadTransportOptions,
  MAX_DELIVERIES,
  openLocator,
  openStore,
  toExecutorDefinitions,
} from "./parts.ts";
import { createSenderFinder } from "./queue-senders.ts";
import { createTickSender, followCommits, handleTicks } from "./ticks.ts";

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

/** A state manager at work. */
export interface StateManagerParts {
  readonly environment: Environment;
  readonly store: Store;
  readonly yard: Yard;
  /** Bulk operations whose starter is gone. */
  readonly bulks: Pick<Bulks, "run" | "continueUntil" | "stop">;
  readonly transport: Transport;
  /** How batches of the event queue are taken. */
  readonly batches: BatchOptions;
  readonly deleteWorked: DeleteWorked | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
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
  // What a denied call refuses comes again from its queue; waiting for the role would hold up all other stacks.
  const aws = createEnvironmentAws({ environment, session, clock, logger, retriesDenials: false });
  const [locator, addresses, opened] = await Promise.all([
    openLocator(given(environment.machines), { aws, executors, clock, logger }),
    loadTransportOptions({ environment, aws, executors, clock, random, logger, tracing }),
    openStore(given(environment.store), { aws, clock, logger }),
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

/** Events of a bulk operation that are decided at a time, while it waits. */
const BULK_DRAIN_MS = 5_000;

/**
 * Items are queued in the store, whose queue this process drains while it waits for them: it may be the only one that
 * does.
 */
export function openBulks(
  deps: Pick<StateManagerParts, "store" | "yard" | "clock" | "logger"> & { readonly ids: Ids },
): StateManagerParts["bulks"] {
  const { yard, clock } = deps;
  return createBulks({
    ...deps,
    bell: {
      count: 0,
      async wait(_count, ms, signal) {
        const drained = await yard.drain(clock.now() + BULK_DRAIN_MS);
        if (drained === 0) await clock.sleep(ms, signal);
      },
    },
  });
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

/** Dependencies of following commits by queues. */
interface FollowQueuesDeps extends Pick<SqsTransportOptions, "sqs" | "resultKey"> {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Wraps the store so that ticks and copies of dead letters follow its commits, if there are queues for them. */
export function followQueues(
  store: Store,
  { queues: { ticks: ticksUrl, eventDeadLetters } }: Pick<Environment, "queues">,
  { sqs, resultKey, clock, random, logger }: FollowQueuesDeps,
) {
  const deps = { sqs, claimChecks: undefined, clock, random };
  const ticks =
    ticksUrl === undefined ? undefined : createTickSender(createQueueSender({ ...deps, queueUrl: ticksUrl }), clock);
  const deadLetters =
    eventDeadLetters === undefined
      ? undefined
      : createDeadLetterSender({ ...deps, queueUrl: eventDeadLetters, resultKey });
  return { ticks, store: followCommits(store, { ticks, deadLetters, clock, logger }) };
}

/** Before the end of an invocation nothing new is begun; a quarter of it where that is less. */
const SPARE_MS = 5_000;
const MINUTE_MS = 60_000;
const DEFAULT_LEFT_MS = 30_000;

/**
 * Creates the Lambda handler for events of the event queue, ticks, and the schedule's event. Queues are identified by
 * the ARN that Lambda passes, never by message content: a sender of events must not be able to send ticks.
 */
export function createInvocationHandler(
  parts: StateManagerParts,
): (event: unknown, context?: LambdaContext) => Promise<SqsBatchResponse | SweepReport> {
  const { clock, environment, logger, yard } = parts;
  const handleEvents = createEventBatchHandler((deliveries) => yard.engine.handle(deliveries), parts.batches);
  const hasTicks = environment.queues.ticks !== undefined;
  let sweptAt = clock.now();

  async function workEvents(event: unknown, batch: SqsBatch, stopAt: number): Promise<SqsBatchResponse> {
    const response = await handleEvents(event);
    await drain(batch, stopAt);
    // A yard without `stack-ticks` is one that the predecessor's users have set up: perhaps nothing sweeps it.
    // Every instance does so, and a batch waits for it: nothing is measured then.
    if (!hasTicks && clock.now() - sweptAt >= MINUTE_MS)
      await attempt("sweep", () => sweep(stopAt, { measures: false }));
    return response;
  }

  /**
   * Drains the outbox. Work that fails here is in the store; reporting the messages would only have them decided again.
   */
  function drain({ messages }: SqsBatch, stopAt: number): Promise<void> {
    // Who had a message before may have died between its commit and this; and where nothing sweeps, everybody does.
    const mayBeLeft = !hasTicks || messages.some(({ deliveries }) => deliveries > 1);
    return attempt("drain the outbox", () => yard.drain(stopAt, mayBeLeft ? undefined : "own"));
  }

  function sweep(stopAt: number, options?: { readonly measures: boolean }): Promise<SweepReport> {
    sweptAt = clock.now();
    return sweepMinute(parts, stopAt, options);
  }

  async function attempt(what: string, run: () => Promise<unknown>): Promise<void> {
    try {
      await run();
    } catch (error) {
      const code = isStackyardError(error) ? error.code : "INTERNAL";
      logger.error(`The state manager could not ${what}; the next sweep retries.`, { error, code });
    }
  }

  /** Handles the schedule. Bulk operations continue even when the sweep has failed. */
  async function handleSchedule(stopAt: number): Promise<SweepReport> {
    try {
      return await sweep(stopAt);
    } finally {
      await parts.bulks.continueUntil(stopAt);
    }
  }

  return async (event, context) => {
    const stopAt = toStopAt(clock.now(), context);
    if (isScheduleEvent(event)) return handleSchedule(stopAt);
    const batch = parseSqsBatch(event);
    const queue = findQueue(parts, batch.queueArn);
    if (queue === "events") return answerBatch(parts, batch, await workEvents(event, batch, stopAt));
    const response = await handleTicks(parts, batch);
    await drain(batch, stopAt);
    return response;
  };
}

/** Does the work of a schedule each minute: sends everything ahead that is due before the end of the next minute. */
export function sweepMinute(
  { yard, clock }: Pick<StateManagerParts, "yard" | "clock">,
  stopAt: number,
  options: { readonly measures?: boolean } = {},
): Promise<SweepReport> {
  const until = Math.floor(clock.now() / MINUTE_MS) * MINUTE_MS + 2 * MINUTE_MS;
  return yard.sweep({ until, stopAt, ...options });
}

function toStopAt(now: number, context: LambdaContext | undefined): number {
  // A manual test call has no context.
  const leftMs = context?.getRemainingTimeInMillis?.() ?? DEFAULT_LEFT_MS;
  return now + leftMs - Math.min(SPARE_MS, leftMs / 4);
}

/** Finds the queue of a batch. Throws `CONFIG_INVALID` for one that is not for a state manager. */
function findQueue({ environment: { queues, engine } }: StateManagerParts, queueArn: string): "events" | "ticks" {
  const name = toQueueName(queueArn);
  const isNamed = (url: string | undefined) => url !== undefined && toQueueName(url) === name;
  if (isNamed(queues.ticks)) return "ticks";
  if (isNamed(queues.tasks) || isNamed(queues.longTasks)) {
    const todo = "Connect the event source mapping to the queue of events.";
    throw new StackyardError(
      "CONFIG_INVALID",
      `The state manager was called with the queue of tasks "${name}". ${todo}`,
    );
  }
  if (engine.refusedEvents === "redeliver" && name.endsWith(".fifo")) {
    const why = "on a FIFO queue a refused event would hold up its stack";
    throw new StackyardError("CONFIG_INVALID", `REFUSED_EVENTS is redeliver, and "${name}" is a FIFO queue: ${why}.`);
  }
  return "events";
}

/**
 * Consumes the event queue and does the scheduled work in this process until the signal; then stops claiming and
 * finishes the work in progress. Several containers and functions can run at the same time.
 */
export async function runContainer(
  { yard, bulks, environment, logger }: StateManagerParts,
  stopping: AbortSignal,
): Promise<void> {
  const running = yard.start();
  bulks.run();
  logger.info("The state manager consumes events.", { queue: environment.queues.events });
  await untilAborted(stopping);
  logger.info("The state manager accepts no new work and finishes its current work.");
  await bulks.stop();
  await running.stop();
}
