import { StackyardError } from "../errors/stackyard-error.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { Executor } from "../ports/executor.ts";
import type { Locator } from "../ports/locator.ts";
import type { Logger } from "../ports/logger.ts";
import type { Retention } from "../ports/stack-queries.ts";
import type { Store } from "../ports/store.ts";
import type { Subscription } from "../ports/transport.ts";
import { createEngine, type EngineOptions } from "./engine.ts";
import type { AwsAccess } from "./executor-context.ts";
import { createStoreTransport } from "./store-transport.ts";
import { startSweep } from "./sweep.ts";
import { createWorker, type RunningTask, type Worker, type WorkerOptions } from "./worker.ts";

/** What a yard in one process is made of. */
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

/** What a yard in one process does differently from its defaults. */
export interface YardOptions {
  readonly engine?: EngineOptions;
  readonly worker?: WorkerOptions;
  /** Tasks that run at the same time. Default: 8. */
  readonly concurrency?: number;
  /** Events that one commit may take together. Default: 64. */
  readonly eventBatch?: number;
  readonly retention?: Retention;
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

/** An engine and a worker over one store, at work. */
export interface RunningYard {
  /** Tasks that run now. */
  running(): readonly RunningTask[];
  /**
   * Takes nothing new, waits for running tasks, then asks them to end and gives them back. One that does not end is left
   * to its lease.
   */
  stop(): Promise<void>;
}

/**
 * Starts engine, worker and sweep over the store's own transport. Throws `CONFIG_INVALID` for refused events that shall
 * be delivered again: that transport keeps the order of a stack's events, so one of them would hold up all behind it.
 */
export function startYard(deps: YardDeps, options: YardOptions = {}): RunningYard {
  if (options.engine?.refusedEvents === "redeliver") {
    const reason = 'Refused events cannot be delivered again in order. Use "park" or "drop" with this transport.';
    throw new StackyardError("CONFIG_INVALID", reason);
  }
  const { clock, logger, store } = deps;
  const concurrency = options.concurrency ?? 8;
  const transport = createStoreTransport({ store, clock, logger });
  const engine = createEngine(deps, options.engine);
  const worker = createWorker(deps, options.worker);
  // One call at a time: while it commits, the next batch gathers, so commits group by themselves.
  const events = transport.consumeEvents(engine.handle, { batchSize: options.eventBatch ?? 64, concurrency: 1 });
  const tasks = transport.consumeTasks(worker.handle, { batchSize: concurrency, concurrency });
  const sweep = startSweep({ engine, store, clock, logger }, options.retention ?? DEFAULT_RETENTION);
  return {
    running: () => worker.running(),
    async stop() {
      await endTasks({ clock, logger, tasks, worker }, options);
      await Promise.all([events.stop(), sweep.stop()]);
    },
  };
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
