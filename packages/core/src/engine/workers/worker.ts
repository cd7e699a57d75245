import type { Dispatch } from "../../machine/decide/decision.ts";
import { defined } from "../../machine/json.ts";
import type { TaskMessage } from "../../machine/task-message.ts";
import type { Clock, Ids } from "../../ports/clock.ts";
import type { Executor, Failed, LogFields, Logger, ProvidedService } from "../../ports/executor.ts";
import type { BirthClaim, ClaimResult } from "../../ports/stack-store.ts";
import type { DeliveryOutcome, TaskDelivery } from "../../ports/transport.ts";
import type { AttemptLogs } from "../attempts/attempt-log.ts";
import type { AwsAccess, ContextDeps } from "../attempts/executor-context.ts";
import { createHeartbeat, type HeldAttempt } from "../attempts/held-attempt.ts";
import { runAttempt, type StepEnd, type WorkerStore } from "../attempts/run-attempt.ts";
import type { BornAttempt, FinishedAttempt } from "../births.ts";
import { createLeases } from "../built-in-ports.ts";
import { findExclusiveKeys } from "./exclusive-keys.ts";
import { type InvocationLimits, toInvocationEnd } from "./invocation-limits.ts";

/** Dependencies of a worker. */
export interface WorkerDeps {
  readonly store: WorkerStore;
  readonly executors: ReadonlyMap<string, Executor>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** Where tasks may reach AWS. */
  readonly aws?: AwsAccess;
  /** Applies a result with the commit that ends its attempt. Set if an engine runs in the same process. */
  readonly finish?: (finished: FinishedAttempt) => Promise<DeliveryOutcome>;
  /** Where the whole logs of attempts are kept. Default: only their ends are, with the attempts. */
  readonly logs?: AttemptLogs | undefined;
}

/** Options of a worker. */
export interface WorkerOptions {
  /** The duration of a lease, and so of the wait after a crash of the worker. Default: 30 s. */
  readonly leaseMs?: number;
  /** The owner of the leases. Default: a new id. */
  readonly owner?: string;
  /** The services that `ctx.service` returns. Default: none. */
  readonly services?: readonly ProvidedService[];
  /** Called with each line of a task's progress. */
  readonly onReport?: (line: { readonly message: TaskMessage; readonly line: string }) => void;
}

/** Claims attempts, runs one step of their executor, and suspends or settles them. */
export interface Worker {
  /**
   * Runs one step. If the invocation has a time limit, the step is aborted a minute before it: an attempt that stores
   * its progress is released and continues with its next poll, any other fails with `TASK_TIMEOUT`, retryable.
   */
  handle(delivery: TaskDelivery, limits?: InvocationLimits): Promise<DeliveryOutcome>;
  /**
   * Stops claiming attempts, and aborts the running executors; their attempts are available to other workers at once.
   */
  abort(): void;
  /** Returns the running tasks in the order of their claims. */
  running(): readonly RunningTask[];
  /** Stops renewing the leases of running attempts and ignores their results, so that other workers continue them. */
  leave(): void;
}

/** A worker that can claim attempts when they begin. */
export interface StoreWorker extends Worker {
  /**
   * Returns a claim for a new attempt, or undefined if the worker lacks its executor or the task needs an exclusive
   * key.
   */
  claimAtBirth(dispatch: Dispatch): BirthClaim | undefined;
  /** Runs an attempt that was granted to this worker when it began, as `handle` does. */
  run(born: BornAttempt, limits?: InvocationLimits): Promise<void>;
}

/** A task that a worker runs. */
export interface RunningTask {
  readonly stackId: string;
  readonly task: string;
}

const DEFAULT_LEASE_MS = 30_000;
const DONE: DeliveryOutcome = { kind: "done" };

/** A worker that also returns how each step ended. */
interface StepWorker extends Omit<StoreWorker, "handle" | "run"> {
  /** Runs one step. `end`: none when the attempt was not granted. */
  step(
    delivery: Pick<TaskDelivery, "attemptId" | "message">,
    limits?: InvocationLimits,
  ): Promise<{ readonly outcome: DeliveryOutcome; readonly end?: StepEnd }>;
  runBorn(born: BornAttempt, limits?: InvocationLimits): Promise<StepEnd>;
}

/** Creates a worker over a store. */
export function createWorker(deps: WorkerDeps, options: WorkerOptions = {}): StoreWorker {
  const { step, runBorn, ...worker } = createStepWorker(deps, options);
  return {
    ...worker,
    async run(born, limits) {
      await runBorn(born, limits);
    },
    handle: async (delivery, limits) => (await step(delivery, limits)).outcome,
  };
}

interface RunInput {
  readonly fault?: Failed | undefined;
  readonly limits?: InvocationLimits;
  /** When the attempt was claimed, in epoch milliseconds. */
  readonly claimedAt: number;
}

/** Creates a worker over a store that returns how its steps end. */
export function createStepWorker(deps: WorkerDeps, options: WorkerOptions = {}): StepWorker {
  const held = new Map<HeldAttempt, TaskMessage>();
  const owner = options.owner ?? deps.ids.next();
  const leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS;
  const heartbeat = createHeartbeat(deps.clock, leaseMs / 3);
  const context: ContextDeps = {
    clock: deps.clock,
    records: deps.store.records,
    leases: createLeases(deps.store.records, { clock: deps.clock }),
    ...defined({ aws: deps.aws, services: options.services }),
  };
  let stopping = false;
  const isStopping = () => stopping;

  async function run(
    message: TaskMessage,
    claimed: Extract<ClaimResult, { kind: "granted" }>,
    { fault, limits = {}, claimedAt }: RunInput,
  ): Promise<StepEnd> {
    const { store, clock, finish, logs } = deps;
    const logger = bindAttempt(deps.logger, message);
    logger.debug("An attempt was started.", { token: claimed.grant.token, again: claimed.again });
    const onReport = options.onReport === undefined ? () => undefined : guardReport(logger, message, options.onReport);
    const executor = findExecutor(deps.executors, message);
    return runAttempt(
      { store, clock, logger, context, leaseMs, heartbeat, held, isStopping, finish, logs },
      { executor, fault, message, claimed, claimedAt, onReport, end: toInvocationEnd(limits, clock.now()) },
    );
  }

  return {
    claimAtBirth({ attemptId, message }) {
      const executor = findExecutor(deps.executors, message);
      if (stopping || executor === undefined) return undefined;
      const { exclusiveKeys, fault } = findExclusiveKeys(executor, message);
      return fault === undefined && exclusiveKeys.length === 0 ? { attemptId, owner, leaseMs } : undefined;
    },
    runBorn: ({ message, claimedAt, ...granted }, limits = {}) =>
      run(message, { kind: "granted", again: false, ...granted }, { limits, claimedAt }),
    async step({ attemptId, message }, limits = {}) {
      if (stopping) return { outcome: { kind: "retry", reason: "The worker stops." } };
      const left = findLeft(deps.executors, message);
      if (left !== undefined) {
        bindAttempt(deps.logger, message).debug("An attempt is left to another worker.", { reason: left.reason });
        return { outcome: left };
      }
      const executor = findExecutor(deps.executors, message);
      const { exclusiveKeys, fault } = findExclusiveKeys(executor, message);
      const now = deps.clock.now();
      const claimed = await deps.store.claim({ attemptId, owner, leaseMs, exclusiveKeys, now });
      if (claimed.kind === "granted")
        return { outcome: DONE, end: await run(message, claimed, { fault, limits, claimedAt: now }) };
      bindAttempt(deps.logger, message).debug("An attempt was not granted.", { answer: claimed.kind });
      return { outcome: DONE };
    },
    abort() {
      stopping = true;
      for (const attempt of held.keys()) attempt.stop();
    },
    running: () => [...held.values()].map(({ stack, task }) => ({ stackId: stack.id, task: task.name })),
    leave() {
      for (const attempt of held.keys()) attempt.leave();
      held.clear();
    },
  };
}

function bindAttempt(logger: Logger, { stack, task, dispatch }: TaskMessage): Logger {
  return bindLogger(logger, { stackId: stack.id, task: task.name, attemptId: dispatch.id });
}

/** Wraps `onReport` so that an error in it does not fail the task. */
function guardReport(
  logger: Logger,
  message: TaskMessage,
  onReport: NonNullable<WorkerOptions["onReport"]>,
): (line: string) => void {
  return (line) => {
    try {
      onReport({ message, line });
    } catch (error) {
      logger.warn("A listener to a task's progress failed.", { error });
    }
  };
}

export function findExecutor(executors: ReadonlyMap<string, Executor>, message: TaskMessage): Executor | undefined {
  const name = message.task["executor"];
  return typeof name === "string" ? executors.get(name) : undefined;
}

/** Another worker may receive it before; an idle one looks for work about as often. */
const LEFT_MS = 5_000;

/**
 * Returns the outcome for an attempt that this worker cannot run, because it lacks the executor: the attempt is left as it
 * is, for a worker that has it. Undefined for every other one. A task without an executor cannot run anywhere.
 */
export function findLeft(
  executors: ReadonlyMap<string, Executor>,
  message: TaskMessage,
): Extract<DeliveryOutcome, { kind: "retry" }> | undefined {
  const name = message.task["executor"];
  if (typeof name !== "string" || executors.has(name)) return undefined;
  const reason = `This worker does not have the executor ${JSON.stringify(name)}. Register its plugin in stackyard.config.ts of a worker.`;
  return { kind: "retry", reason, afterMs: LEFT_MS, left: true };
}

/** Creates a logger that adds these fields to all lines; a line's own fields override them. */
function bindLogger(logger: Logger, bound: LogFields): Logger {
  return {
    debug: (message, fields) => logger.debug(message, { ...bound, ...fields }),
    info: (message, fields) => logger.info(message, { ...bound, ...fields }),
    warn: (message, fields) => logger.warn(message, { ...bound, ...fields }),
    error: (message, fields) => logger.error(message, { ...bound, ...fields }),
  };
}
