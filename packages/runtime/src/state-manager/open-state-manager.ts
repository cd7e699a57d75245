import {
  type Clock,
  type Ids,
  type Logger,
  type Random,
  StackyardError,
  type Store,
  type Transport,
} from "@stackyard/core";
import { createEngine, type Retention } from "@stackyard/core/engine";
import { DEFAULT_LIMITS } from "@stackyard/core/machine";
import {
  type BatchOptions,
  createOutboxRelay,
  createQueueSender,
  createSetAsideSender,
  createSqsTransport,
  type OutboxRelay,
  type Sender,
  type SetAsideSender,
  type SqsTransportOptions,
} from "@stackyard/transport-sqs";
import type { DeleteWorked } from "../answer-batch.ts";
import type { Environment } from "../environment/parse-environment.ts";
import { createEnvironmentAws } from "../environment-aws.ts";
import type { ExecutorDefinitions } from "../executor-definitions.ts";
import { loadResultKey } from "../load-result-key.ts";
import { openLocator } from "../open-locator.ts";
import { openStore } from "../open-store.ts";
import type { AppTelemetry } from "../telemetry.ts";
import { toBatchOptions } from "../to-batch-options.ts";
import { toDeleteWorked } from "../to-delete-worked.ts";
import { toOwnWork } from "../to-own-work.ts";
import { loadTransportOptions, MAX_DELIVERIES } from "../transport-options.ts";
import { drainStore } from "./drain-store.ts";
import { createCommitFollower } from "./follow-commits.ts";
import { watchCommits } from "./watch-commits.ts";

/** What a state manager is made of. */
export interface OpenInput {
  readonly environment: Environment;
  readonly executors: ExecutorDefinitions;
  readonly telemetry: AppTelemetry;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
}

type Engine = ReturnType<typeof createEngine>;

/** A state manager at work. */
export interface StateManagerParts {
  readonly environment: Environment;
  readonly store: Store;
  readonly engine: Engine;
  readonly transport: Transport;
  readonly outbox: OutboxRelay;
  /** Of the queue `stack-ticks`. */
  readonly ticks: Sender | undefined;
  /** How batches of the event queue are taken. */
  readonly batches: BatchOptions;
  readonly deleteWorked: DeleteWorked | undefined;
  readonly retention: Retention;
  /** Names this process. */
  readonly owner: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Measures how the yard stands, now and then. */
  measure(): Promise<void>;
  /**
   * Works what commits have left behind, until that instant. `own`: only those of this process where the store can tell;
   * what others have left is theirs, and the sweep's when they have died.
   */
  drain(stopAt: number, whose?: "own"): Promise<number>;
}

/** Fewer than the queue's: what cannot be decided is set aside with its reason before the queue gives it up without. */
const ENGINE_DELIVERIES = MAX_DELIVERIES - 1;
const PARKING = { maxTries: 50, maxParked: 1_000 };
const DAY_MS = 86_400_000;

/** Opens the store and makes the rest. Throws what opening throws; nothing is left open then. */
export async function openStateManager(input: OpenInput): Promise<StateManagerParts> {
  const { environment, executors, telemetry, clock, random } = input;
  const { logger, tracing } = telemetry;
  const session = { name: `state-manager-${environment.yard}` };
  const aws = createEnvironmentAws({ environment, session, clock, logger });
  const [locator, addresses, opened] = await Promise.all([
    openLocator(given(environment.machines), { aws, executors, clock, logger }),
    loadTransportOptions({ environment, aws, executors, clock, random, logger, tracing }),
    openStore(given(environment.store), { aws, clock, logger }),
  ]);
  const queues = { ...addresses, resultKey: await loadResultKey(opened, clock) };
  const ticks = toTickSender(environment, queues, { clock, random });
  const setAside = toSetAsideSender(environment, queues, { clock, random });
  const store = watchCommits(
    telemetry.instrumentStore(opened),
    createCommitFollower({ ticks, setAside, clock, logger }),
  );
  const transport = createSqsTransport(queues);
  const outbox = createOutboxRelay({ store, transport, clock, logger });
  const own = toOwnWork(store, opened);
  const ownOutbox = createOutboxRelay({ store: own, transport, clock, logger });
  const engineDeps = { store, locator, executors, clock, ids: input.ids, random, logger };
  const options = toEngineOptions(environment);
  const engine = telemetry.instrumentEngine(createEngine(engineDeps, options));
  // No queue redelivers what lies in the store; there it is parked.
  const refusedEvents = toQueuedRefusals(options.refusedEvents);
  const queued = telemetry.instrumentEngine(createEngine(engineDeps, { ...options, refusedEvents }));
  return {
    ...{ environment, store, engine, transport, outbox, ticks, clock, logger },
    batches: toBatchOptions(queues, environment.queues.eventDeadLetters),
    deleteWorked: toDeleteWorked(environment, queues),
    retention: toRetention(environment),
    owner: input.ids.next(),
    measure: () => telemetry.measureYard(store),
    drain: (stopAt, whose) =>
      whose === "own"
        ? drainStore({ store: own, engine: queued, outbox: ownOutbox, clock }, stopAt)
        : drainStore({ store, engine: queued, outbox, clock }, stopAt),
  };
}

/** What the environment of a state manager always says. */
function given<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new StackyardError("INTERNAL", "The environment was read for another app.");
  return value;
}

function toEngineOptions({ engine, runnersHaveStore }: Environment) {
  return {
    refusedEvents: engine.refusedEvents,
    parking: { ...PARKING, keepMs: engine.refusedKeepMs },
    limits: { ...DEFAULT_LIMITS, automaticEntriesPerHour: engine.automaticEntriesPerHour },
    allowExternalNext: engine.allowExternalNext,
    everyRunnerClaims: runnersHaveStore,
    maxDeliveries: ENGINE_DELIVERIES,
  };
}

function toQueuedRefusals(refused: Environment["engine"]["refusedEvents"]): "park" | "drop" {
  return refused === "drop" ? "drop" : "park";
}

function toTickSender(
  { queues }: Environment,
  { sqs }: SqsTransportOptions,
  deps: { readonly clock: Clock; readonly random: Random },
): Sender | undefined {
  if (queues.ticks === undefined) return undefined;
  return createQueueSender({ sqs, queueUrl: queues.ticks, claimChecks: undefined, ...deps });
}

function toSetAsideSender(
  { queues: { eventDeadLetters } }: Environment,
  { sqs, resultKey }: SqsTransportOptions,
  deps: { readonly clock: Clock; readonly random: Random },
): SetAsideSender | undefined {
  if (eventDeadLetters === undefined) return undefined;
  return createSetAsideSender({ sqs, queueUrl: eventDeadLetters, claimChecks: undefined, resultKey, ...deps });
}

function toRetention({ engine }: Environment): Retention {
  return {
    historyMs: engine.historyMs,
    eventIdMs: 14 * DAY_MS,
    eventIdCount: 1_000,
    setAsideMs: 30 * DAY_MS,
    settledAttemptMs: 7 * DAY_MS,
  };
}
