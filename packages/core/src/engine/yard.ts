import { StackyardError } from "../errors/stackyard-error.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { Executor } from "../ports/executor.ts";
import type { Locator } from "../ports/locator.ts";
import type { Logger } from "../ports/logger.ts";
import type { Retention } from "../ports/stack-queries.ts";
import type { Store } from "../ports/store.ts";
import type { Subscription } from "../ports/transport.ts";
import type { AwsAccess } from "./call-executor.ts";
import { createEngine, type Engine, type EngineOptions } from "./engine.ts";
import { joinRegistry, type ProcessEntry, type ProcessFacts, type YardRole } from "./process-registry.ts";
import { startSweep } from "./sweep.ts";
import { createDirectPath, createSlots, createStoreTransport, type DirectPath, type Slots } from "./work-loop.ts";
import { createWorker, type RunningTask, type Worker, type WorkerOptions } from "./worker.ts";

/** What a process of a yard is made of. */
export interface YardDeps {
  readonly store: Store;
  readonly locator: Locator;
  readonly executors: ReadonlyMap<string, Executor>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** Where tasks may reach AWS. */
  readonly aws?: AwsAccess;
}

/** What a process of a yard does differently from its defaults. */
export interface YardOptions {
  /** What runs in this process; the rest is done by others over the same store. Default: both. */
  readonly roles?: readonly YardRole[];
  /** Lists the process among those of the yard while it runs. Default: it is not listed. */
  readonly process?: ProcessFacts;
  readonly engine?: EngineOptions;
  readonly worker?: WorkerOptions;
  /** Tasks that run at the same time. Default: 8. */
  readonly concurrency?: number;
  /** Events that one commit may take together. Default: 64. */
  readonly eventBatch?: number;
  readonly retention?: Partial<Retention>;
  /** How long `stop` waits for running tasks before it asks them to end. Default: 10 s. */
  readonly drainMs?: number;
  /**
   * How long `stop` then waits for those that it has asked, before it leaves them to their leases. Default: 5 min,
   * because Terraform may need 4 to end in order.
   */
  readonly leaveMs?: number;
}

/** What is kept where nothing else is said: history for 30 days, event ids for 14 or the last 1,000 of a stack. */
export const DEFAULT_RETENTION: Retention = {
  historyMs: 30 * 86_400_000,
  eventIdMs: 14 * 86_400_000,
  eventIdCount: 1_000,
  setAsideMs: 30 * 86_400_000,
  settledAttemptMs: 7 * 86_400_000,
};

/** An engine, a worker or both over a store, at work. */
export interface RunningYard {
  /** Under which it is listed, and holds the leases of its tasks. */
  readonly id: string;
  /** Tasks that run now. */
  running(): readonly RunningTask[];
  /**
   * Takes nothing new, waits for running tasks, then asks them to end and gives them back. One that does not end is left
   * to its lease.
   */
  stop(): Promise<void>;
}

// More of them hide the time that a store needs to reach its disk.
const COMMITS_AT_A_TIME = 3;
const DEFAULT_CONCURRENCY = 8;
const DEFAULT_EVENT_BATCH = 64;

/**
 * Starts engine, worker and sweep over the store's own transport. Throws `CONFIG_INVALID` for refused events that shall
 * be delivered again: that transport keeps the order of a stack's events, so one of them would hold up all behind it.
 */
export function startYard(deps: YardDeps, options: YardOptions = {}): RunningYard {
  if (options.engine?.refusedEvents === "redeliver") {
    const reason = 'Refused events cannot be delivered again in order. Use "park" or "drop" with this transport.';
    throw new StackyardError("CONFIG_INVALID", reason);
  }
  const id = options.worker?.owner ?? deps.ids.next();
  const roles = options.roles ?? ["engine", "worker"];
  const parts = connect(deps, id, options, roles);
  const { worker } = parts;
  const deciding = roles.includes("engine") ? startDeciding(deps, parts, options) : undefined;
  const working = roles.includes("worker") ? startWorking(deps, parts, options) : undefined;
  let draining = false;
  const listed = { id, roles, worker, concurrency: options.concurrency, isDraining: () => draining };
  const entry = options.process === undefined ? undefined : listProcess(deps, listed, options.process);
  const endWorking = async () => {
    if (working === undefined) return;
    await endTasks({ clock: deps.clock, logger: deps.logger, tasks: working, worker }, options);
  };
  return {
    id,
    running: () => worker.running(),
    async stop() {
      draining = true;
      void entry?.beat();
      // A process that could not end in order works no more, and must not be counted as live.
      await endWorking()
        .finally(() => deciding?.stop())
        .finally(() => entry?.leave());
    },
  };
}

interface YardParts {
  readonly id: string;
  readonly engine: Engine;
  readonly worker: Worker;
  readonly slots: Slots;
  /** Where engine and worker run in this process. */
  readonly direct?: DirectPath;
}

function connect(deps: YardDeps, id: string, options: YardOptions, roles: readonly YardRole[]): YardParts {
  const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
  const batchSize = options.eventBatch ?? DEFAULT_EVENT_BATCH;
  const slots = createSlots(concurrency, deps.clock.now);
  const commitsAtATime = Math.max(COMMITS_AT_A_TIME, Math.ceil(concurrency / batchSize));
  const parts = () => ({ engine, worker });
  const both = roles.includes("engine") && roles.includes("worker");
  const direct = both ? createDirectPath({ parts, slots, batchSize, commitsAtATime }) : undefined;
  const worker = createWorker({ ...deps, ...(direct && { finish: direct.finish }) }, { ...options.worker, owner: id });
  const engine = createEngine({ ...deps, ...(direct && { births: direct.births }) }, options.engine);
  return { id, engine, worker, slots, ...(direct && { direct }) };
}

function startDeciding(
  { clock, logger, store }: YardDeps,
  { engine, id }: YardParts,
  options: YardOptions,
): Subscription {
  // Mostly one call at a time: while it commits, the next batch gathers, so commits group by themselves.
  const batchSize = options.eventBatch ?? DEFAULT_EVENT_BATCH;
  const concurrency = Math.max(1, Math.ceil((options.concurrency ?? DEFAULT_CONCURRENCY) / batchSize));
  const consuming = { batchSize, concurrency };
  const events = createStoreTransport({ store, clock, logger }).consumeEvents(engine.handle, consuming);
  const sweep = startSweep({ engine, store, clock, logger, owner: id }, { ...DEFAULT_RETENTION, ...options.retention });
  return {
    async stop() {
      await Promise.all([events.stop(), sweep.stop()]);
    },
  };
}

function startWorking(
  { clock, logger, store }: YardDeps,
  { worker, slots, direct }: YardParts,
  options: YardOptions,
): Subscription {
  const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
  const transport = createStoreTransport({ store, clock, logger, slots });
  const tasks = transport.consumeTasks(worker.handle, { batchSize: concurrency, concurrency });
  return {
    async stop() {
      await Promise.all([tasks.stop(), direct?.stop()]);
    },
  };
}

interface ListedParts {
  readonly id: string;
  readonly roles: readonly YardRole[];
  readonly worker: Worker;
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
    ...{ records: store.records, clock, logger },
    describe: () => ({
      ...{ id, roles, ...facts },
      executors: works ? [...executors.keys()] : [],
      capacity: works ? concurrency : 0,
      running: worker.running().length,
      draining: isDraining(),
    }),
  });
}

interface EndingDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tasks: Subscription;
  readonly worker: Worker;
}

async function endTasks({ clock, logger, tasks, worker }: EndingDeps, limits: YardOptions): Promise<void> {
  const ended = new AbortController();
  const stopped = tasks.stop().finally(() => ended.abort());
  const warn = (message: string) => {
    if (ended.signal.aborted) return;
    logger.warn(message, { tasks: worker.running().map(({ stackId, task }) => `${stackId} ${task}`) });
  };
  await clock.sleep(limits.drainMs ?? 10_000, ended.signal);
  warn("Running tasks are asked to end.");
  worker.abort();
  await clock.sleep(limits.leaveMs ?? 300_000, ended.signal);
  if (ended.signal.aborted) return stopped;
  warn("Tasks that did not end are left; they are taken up again when their lease is over.");
  worker.leave();
}
