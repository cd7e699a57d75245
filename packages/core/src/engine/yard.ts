import type { AccessConfig } from "../access/access-config.ts";
import { StackyardError } from "../errors/stackyard-error.ts";
import type { ExecutorRegistry } from "../machine/executor-definition.ts";
import { defined } from "../machine/json.ts";
import type { Clock, Ids, Random } from "../ports/clock.ts";
import type { Executor, Logger } from "../ports/executor.ts";
import type { Locator } from "../ports/locator.ts";
import type { Records } from "../ports/records.ts";
import type { Retention, Store } from "../ports/store.ts";
import type { DeliveryOutcome, EventDelivery, Subscription, TaskDelivery, Transport } from "../ports/transport.ts";
import { createAttemptLogs } from "./attempts/attempt-log.ts";
import type { AwsAccess } from "./attempts/executor-context.ts";
import { createDirectPath, type DirectPath } from "./direct-path.ts";
import { createEngine, type Engine, type EngineOptions } from "./engine.ts";
import { createRelays, type ForeignTransport, type Relays } from "./relay.ts";
import { Slots } from "./slots.ts";
import {
  createSweep,
  type SweepDeps,
  type SweepLoopOptions,
  type SweepReport,
  type SweepRetention,
  type SweepSpan,
  startSweep,
} from "./sweep.ts";
import { createStoreTransport } from "./work-loop.ts";
import type { InvocationLimits } from "./workers/invocation-limits.ts";
import { createPollingWorker, type PollingWorker } from "./workers/polling-worker.ts";
import { createWorker, type RunningTask, type StoreWorker, type Worker, type WorkerOptions } from "./workers/worker.ts";
import { createYardWatch } from "./yard-absences.ts";
import { joinRegistry, type ProcessEntry, type ProcessFacts, type YardRole } from "./yard-health.ts";
import { provideYard } from "./yard-service/provide-yard.ts";

/** Dependencies of a process of a yard. */
export interface YardDeps {
  readonly store: Store;
  readonly locator: Locator;
  readonly executors: ReadonlyMap<string, Executor>;
  /** Definitions of the executors that machines may name. Default: those of `executors`. */
  readonly definitions?: ExecutorRegistry;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** Draws the random part of retry delays. Default: the system's generator. */
  readonly random?: Random;
  /** Where tasks may reach AWS. */
  readonly aws?: AwsAccess;
  /** The grants of the yard, for what tasks send to other stacks. Default: only `allow` of their machines counts. */
  readonly access?: AccessConfig | undefined;
  /** The transport of events and task messages. Default: the store's own queue. */
  readonly transport?: ForeignTransport;
  /**
   * Records for the whole logs of attempts, or `none`: then only the ends of logs are stored. Default: those of the
   * store.
   */
  readonly logs?: Records | "none" | undefined;
}

/** Options of a process of a yard. */
export interface YardOptions {
  /** The roles of this process; other processes over the same store do the rest. Default: both. */
  readonly roles?: readonly YardRole[];
  /**
   * True: this process decides and commits the results of its tasks, and may claim the next attempt with the same
   * commit. Default: true if engine and worker run in this process. A worker without the engine leaves a result to
   * other processes if it does not find the machine.
   */
  readonly direct?: boolean;
  /** Lists this process in the yard while it runs (`stackyard ps`). Default: it is not listed. */
  readonly process?: ProcessFacts;
  readonly engine?: EngineOptions;
  /** Wraps the engine, for traces. */
  readonly instrument?: (engine: Engine) => Engine;
  /** Measures the yard, at the end of a sweep. */
  readonly measure?: (() => Promise<void>) | undefined;
  readonly worker?: WorkerOptions;
  /** Tasks that run at the same time. Default: 8. */
  readonly concurrency?: number;
  /** Events that one commit may take together. Default: 64. */
  readonly eventBatch?: number;
  readonly retention?: Partial<SweepRetention>;
  readonly sweep?: SweepLoopOptions;
  /** The time for which `stop` waits for running tasks before it aborts them. Default: 10 s. */
  readonly drainMs?: number | undefined;
  /**
   * The time for which `stop` then waits for the aborted tasks before it stops renewing their leases. Default: 5 min, because
   * Terraform may need 4 min to shut down cleanly.
   */
  readonly leaveMs?: number;
}

/** The default retention: history for 30 days, event ids for 14 days or the last 1,000 of a stack. */
export const DEFAULT_RETENTION: Retention = {
  historyMs: 30 * 86_400_000,
  eventIdMs: 14 * 86_400_000,
  eventIdCount: 1_000,
  deadLetterMs: 30 * 86_400_000,
  settledAttemptMs: 7 * 86_400_000,
};

/**
 * Engine, worker, relay and sweep over a store, connected. A function calls these parts for each invocation; in a
 * process, `start` runs them until `stop`.
 */
export interface Yard {
  /** The id of the process in the list of processes, and the owner of its leases. */
  readonly id: string;
  readonly engine: Engine;
  /**
   * Runs task messages. With a transport other than the store's, `handle` also waits for the work that follows from a
   * task.
   */
  readonly worker: TaskRunner;
  /** Sweeps once; see `SweepSpan`. */
  sweep(span?: SweepSpan): Promise<SweepReport>;
  /**
   * Sends or applies work that commits have left in the store for another transport, until that instant. `own`: only
   * work that this process has left, if the store can distinguish it; sweeps find work that crashed processes have
   * left.
   */
  drain(stopAt: number, whose?: "own"): Promise<number>;
  start(): RunningYard;
}

/** Runs task messages, with a store or by message only. */
export interface TaskRunner extends Omit<Worker, "handle"> {
  handle(delivery: TaskDelivery, limits?: InvocationLimits): Promise<DeliveryOutcome>;
}

/** A running engine, worker or both over a store. */
export interface RunningYard {
  /** The id of the process in the list of processes, and the owner of its leases. */
  readonly id: string;
  /** Returns the running tasks. */
  running(): readonly RunningTask[];
  /**
   * Accepts no new work, waits for running tasks, then aborts and releases them. A task that does not stop keeps its
   * lease until the lease expires.
   */
  stop(): Promise<void>;
}

// More of them hide the time that a store needs to reach its disk.
const COMMITS_AT_A_TIME = 3;
const DEFAULT_CONCURRENCY = 8;
const DEFAULT_EVENT_BATCH = 64;
/** Calls with events of a queue at a time: while one commits, others gather. */
const QUEUED_BATCHES = 4;
/** The time limit of the drain after a commit, while the received messages wait for it. */
const DRAIN_MS = 10_000;
/** For stores where each look for due work costs a few dozen reads. */
const QUEUE_SWEEP: SweepLoopOptions = { shortestSleepMs: 250 };

/** Starts engine, worker and sweep. Throws like `createYard`. */
export function startYard(deps: YardDeps, options: YardOptions = {}): RunningYard {
  return createYard(deps, options).start();
}

/**
 * Connects engine, worker, relay and sweep. Throws `CONFIG_INVALID` for `refusedEvents: "redeliver"` with a transport
 * that keeps the order of a stack's events: a refused event would block all later events of its stack.
 */
export function createYard(deps: YardDeps, options: YardOptions = {}): Yard {
  const roles = options.roles ?? ["engine", "worker"];
  const parts = connect(deps, roles, options);
  const { id, worker, engine, sweeping, retention } = parts;
  return {
    id,
    engine,
    worker,
    sweep: createSweep(sweeping, retention),
    drain: parts.drain,
    start: () => start(deps, parts, { ...options, roles }),
  };
}

interface YardParts {
  readonly id: string;
  readonly engine: Engine;
  readonly worker: TaskRunner;
  readonly transport: Transport;
  readonly sweeping: SweepDeps;
  readonly retention: SweepRetention;
  /** Where results are decided in this process. */
  readonly direct?: DirectPath | undefined;
  readonly drain: Yard["drain"];
}

function connect(deps: YardDeps, roles: readonly YardRole[], options: YardOptions): YardParts {
  const { store, clock, logger, transport } = deps;
  const id = options.worker?.owner ?? deps.ids.next();
  const { concurrency = DEFAULT_CONCURRENCY, measure } = options;
  // Each message of another transport brings its own slot.
  const slots = new Slots(transport === undefined ? concurrency : 0, clock.now);
  const isDirect = options.direct ?? (roles.includes("engine") && roles.includes("worker"));
  const direct = isDirect ? connectDirect(options, slots, () => ({ engine, worker })) : undefined;
  const engine = connectEngine(deps, roles, { direct, options });
  const relays =
    transport && createRelays({ store, transport, clock, logger, queued: connectQueued(deps, engine, options) });
  const worker = connectWorker(deps, { ...options.worker, owner: id }, { direct, relays, engine: options.engine });
  return {
    id,
    engine,
    direct,
    worker: "sent" in worker ? withPlaces(worker, slots) : worker,
    transport: transport ?? createStoreTransport({ store, clock, logger, slots, isDirect }),
    sweeping: {
      engine,
      store,
      clock,
      logger,
      owner: id,
      ids: deps.ids,
      ticks: transport?.ticks,
      measure,
      watch: createYardWatch(store.records, clock),
      outbox: relays && { relay: relays.all, drain: relays.drain, maxDelayMs: relays.maxDelayMs },
    },
    retention: { ...DEFAULT_RETENTION, ...options.retention },
    drain: relays?.drain ?? (async () => 0),
  };
}

/** Returns the engine of the store's own queue. Its events cannot be redelivered by the transport, so they are parked. */
function connectQueued(deps: YardDeps, engine: Engine, options: YardOptions): Engine {
  if (options.engine?.refusedEvents !== "redeliver") return engine;
  return connectEngine(deps, ["engine"], {
    direct: undefined,
    options: { ...options, engine: { ...options.engine, refusedEvents: "park" } },
  });
}

function connectDirect(
  options: YardOptions,
  slots: Slots,
  parts: () => { readonly engine: Engine; readonly worker: StoreWorker },
): DirectPath {
  const batchSize = options.eventBatch ?? DEFAULT_EVENT_BATCH;
  const commitsAtATime = toCommitsAtATime(options, batchSize);
  return createDirectPath({ parts, slots, batchSize, commitsAtATime });
}

interface WorkerParts {
  readonly engine: EngineOptions | undefined;
  readonly direct: DirectPath | undefined;
  readonly relays: Relays | undefined;
}

function connectWorker(
  deps: YardDeps,
  options: WorkerOptions,
  { direct, relays, engine }: WorkerParts,
): StoreWorker | PollingWorker {
  const { logs: records = deps.store.records, ...rest } = deps;
  const logs = records === "none" ? undefined : createAttemptLogs({ ...deps, records });
  const workerDeps = { ...rest, logs, ...(direct && { finish: direct.finish }) };
  const yard = provideYard({ ...deps, engine, executors: deps.definitions ?? deps.executors });
  const provided = { ...options, services: [yard, ...(options.services ?? [])] };
  if (relays === undefined) return createWorker(workerDeps, provided);
  const { sendResults: onSettled, sendEvents: onSuspended } = relays;
  return createPollingWorker(workerDeps, { ...provided, onSettled, onSuspended });
}

interface EngineParts {
  readonly direct: DirectPath | undefined;
  readonly options: YardOptions;
}

function connectEngine(deps: YardDeps, roles: readonly YardRole[], { direct, options }: EngineParts): Engine {
  const { instrument = (engine) => engine } = options;
  const { keepsOrder, everyRunnerClaims } = deps.transport?.capabilities ?? {
    keepsOrder: true,
    everyRunnerClaims: true,
  };
  if (options.engine?.refusedEvents === "redeliver" && keepsOrder) {
    const reason = 'Refused events cannot be delivered again in order. Use "park" or "drop" with this transport.';
    throw new StackyardError("CONFIG_INVALID", reason);
  }
  const locator = roles.includes("engine") ? deps.locator : toCertainLocator(deps.locator);
  const births = direct && { births: direct.births };
  const executors = deps.definitions ?? deps.executors;
  return instrument(createEngine({ ...deps, executors, locator, ...births }, { everyRunnerClaims, ...options.engine }));
}

/**
 * Makes `find` throw when a machine is not found, so that another process that may find the machine decides the event.
 */
function toCertainLocator(locator: Locator): Locator {
  return {
    ...locator,
    async find(name, options) {
      const located = await locator.find(name, options);
      if (located.kind === "found") return located;
      throw new StackyardError("MACHINE_UNKNOWN", `This runner cannot find the machine "${name}".`);
    },
  };
}

/**
 * Returns a worker for a transport other than the store's, whose messages each bring a slot. The work that follows from
 * a message may use the slot until the message is answered. A function is frozen after its response, so the response
 * waits for all of that work.
 */
function withPlaces(worker: PollingWorker, slots: Slots): TaskRunner {
  return {
    ...worker,
    async handle(delivery, limits) {
      try {
        return await worker.handle(delivery, limits);
      } finally {
        slots.release();
        await slots.takeLast();
        await worker.sent();
      }
    },
  };
}

interface StartOptions extends YardOptions {
  readonly roles: readonly YardRole[];
}

function start(deps: YardDeps, parts: YardParts, options: StartOptions): RunningYard {
  const { id, worker } = parts;
  const { roles } = options;
  const deciding = roles.includes("engine") ? startDeciding(deps, parts, options) : undefined;
  const working = roles.includes("worker") ? startWorking(deps, parts, options) : undefined;
  let draining = false;
  const listed = { id, roles, worker, concurrency: options.concurrency, isDraining: () => draining };
  const entry = options.process === undefined ? undefined : listProcess(deps, listed, options.process);
  return {
    id,
    running: () => worker.running(),
    async stop() {
      draining = true;
      void entry?.beat();
      // A process that failed to shut down cleanly does no more work, so it must not be listed as live.
      await (working?.stop() ?? Promise.resolve()).finally(() => deciding?.stop()).finally(() => entry?.leave());
    },
  };
}

/**
 * Returns how many commits may run at a time. While some commit, the next batch gathers, so commits group by
 * themselves; a single event need not wait.
 */
function toCommitsAtATime({ concurrency = DEFAULT_CONCURRENCY }: YardOptions, batchSize: number): number {
  return Math.max(COMMITS_AT_A_TIME, Math.ceil(concurrency / batchSize));
}

function startDeciding(deps: YardDeps, parts: YardParts, options: StartOptions): Subscription {
  const { engine, transport, sweeping, retention } = parts;
  const batchSize = options.eventBatch ?? DEFAULT_EVENT_BATCH;
  const isQueue = deps.transport !== undefined;
  const calls = toCommitsAtATime(options, batchSize);
  const handle = isQueue ? decideAndDrain(deps, parts) : engine.handle;
  const events = transport.consumeEvents(handle, { batchSize, concurrency: isQueue ? QUEUED_BATCHES : calls });
  const sweep = startSweep(sweeping, retention, { ...(isQueue ? QUEUE_SWEEP : {}), ...options.sweep });
  return {
    async stop() {
      await Promise.all([events.stop(), sweep.stop()]);
    },
  };
}

/**
 * Applies events, then sends the messages of their commits. Messages that fail or take too long stay in the store for
 * the sweep.
 */
function decideAndDrain({ clock, logger }: YardDeps, { engine, drain }: YardParts) {
  return async (deliveries: readonly EventDelivery[]) => {
    const outcomes = await engine.handle(deliveries);
    await drain(clock.now() + DRAIN_MS, "own").catch((error: unknown) => {
      logger.error("Outbox messages could not be sent; the next sweep retries.", { error });
    });
    return outcomes;
  };
}

function startWorking(deps: YardDeps, { worker, transport, direct }: YardParts, options: StartOptions): Subscription {
  const { clock, logger, executors } = deps;
  const { concurrency = DEFAULT_CONCURRENCY, drainMs, leaveMs } = options;
  const limits = { concurrency, drainMs, ...defined({ leaveMs }) };
  return startTasks({ clock, logger, executors, transport, worker, alsoStop: direct?.stop }, limits);
}

/** Dependencies of `startTasks`. */
interface TasksDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Prepared at the start. */
  readonly executors: ReadonlyMap<string, Executor>;
  readonly transport: Pick<Transport, "consumeTasks">;
  readonly worker: TaskRunner;
  /** Also called by `stop`. */
  readonly alsoStop?: (() => Promise<void>) | undefined;
}

/**
 * Consumes task messages until `stop`, which accepts no new work, waits for running tasks, then aborts and releases
 * them. A task that does not stop is continued by another runner when its lease, or the visibility timeout of its
 * message, expires.
 */
export function startTasks(
  { clock, logger, executors, transport, worker, alsoStop }: TasksDeps,
  limits: { readonly concurrency: number } & Pick<YardOptions, "drainMs" | "leaveMs">,
): Subscription {
  const { concurrency, drainMs = 10_000, leaveMs = 300_000 } = limits;
  for (const executor of executors.values()) void prepareExecutor(executor, logger);
  const tasks = transport.consumeTasks(worker.handle, { batchSize: concurrency, concurrency });
  return {
    async stop() {
      const ended = new AbortController();
      const stopped = Promise.all([tasks.stop(), alsoStop?.()]).finally(() => ended.abort());
      const warn = (message: string) => {
        if (ended.signal.aborted) return;
        logger.warn(message, { tasks: worker.running().map(({ stackId, task }) => `${stackId} ${task}`) });
      };
      await clock.sleep(drainMs, ended.signal);
      warn("Running tasks are being stopped.");
      worker.abort();
      await clock.sleep(leaveMs, ended.signal);
      if (ended.signal.aborted) {
        await stopped;
        return;
      }
      warn("Some tasks did not end. Another worker claims them when their lease expires.");
      worker.leave();
    },
  };
}

async function prepareExecutor(executor: Executor, logger: Logger): Promise<void> {
  try {
    await executor.prepare?.();
  } catch (error) {
    logger.debug("An executor could not be prepared.", { executor: executor.name, error });
  }
}

interface ListedParts {
  readonly id: string;
  readonly roles: readonly YardRole[];
  readonly worker: TaskRunner;
  readonly concurrency: number | undefined;
  readonly isDraining: () => boolean;
}

function listProcess(
  { store, clock, logger, executors }: YardDeps,
  { id, roles, worker, concurrency = DEFAULT_CONCURRENCY, isDraining }: ListedParts,
  facts: ProcessFacts,
): ProcessEntry {
  const works = roles.includes("worker");
  return joinRegistry({
    records: store.records,
    clock,
    logger,
    describe: () => ({
      id,
      roles,
      ...facts,
      executors: works ? [...executors.keys()] : [],
      capacity: works ? concurrency : 0,
      running: worker.running().length,
      draining: isDraining(),
    }),
  });
}
