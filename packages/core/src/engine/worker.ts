import type { Dispatch } from "../machine/decide/decision.ts";
import type { TaskMessage } from "../machine/message/task-message.ts";
import type { ClaimResult } from "../ports/attempt-store.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { ProvidedService } from "../ports/define-executor.ts";
import type { Executor, Failed } from "../ports/executor.ts";
import type { Logger } from "../ports/logger.ts";
import type { BirthClaim } from "../ports/stack-store.ts";
import type { DeliveryOutcome, TaskDelivery } from "../ports/transport.ts";
import { bindLogger } from "./bind-logger.ts";
import type { BornAttempt, FinishedAttempt } from "./engine.ts";
import { findExclusiveKeys } from "./exclusive-keys.ts";
import type { AwsAccess, ContextDeps } from "./executor-context.ts";
import type { HeldAttempt } from "./held-attempt.ts";
import { type InvocationLimits, toInvocationEnd } from "./invocation-limits.ts";
import { createLeases } from "./leases.ts";
import { runAttempt } from "./run-attempt.ts";
import type { WorkerStore } from "./worker-store.ts";

/** What a worker works with. */
export interface WorkerDeps {
  readonly store: WorkerStore;
  readonly executors: ReadonlyMap<string, Executor>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** Where tasks may reach AWS. */
  readonly aws?: AwsAccess;
  /** Has a result applied by the commit that ends its attempt, where an engine runs in the same process. */
  readonly finish?: (finished: FinishedAttempt) => Promise<DeliveryOutcome>;
}

/** What a worker does differently from its defaults. */
export interface WorkerOptions {
  /** How long a crashed worker's attempts stay with it. Default: 30 s. */
  readonly leaseMs?: number;
  /** Who holds the leases; default: a fresh id. */
  readonly owner?: string;
  /** What executors get by `ctx.service`; default: none. */
  readonly services?: readonly ProvidedService[];
  /** Each line of a task's progress, as it comes. */
  readonly onReport?: (line: { readonly message: TaskMessage; readonly line: string }) => void;
}

/** Claims attempts, runs one step of their executor, and suspends or settles them. */
export interface Worker {
  /**
   * Works one step. Where the invocation has an end, the step is asked to end a minute before: work that keeps its progress
   * is given back and goes on with its next poll, other work fails with `TASK_TIMEOUT`, retryable.
   */
  handle(delivery: TaskDelivery, limits?: InvocationLimits): Promise<DeliveryOutcome>;
  /** Takes nothing up any more, and asks the running executors to end; their attempts are handed out again at once. */
  abort(): void;
  /** What runs here now, in the order in which it was taken up. */
  running(): readonly RunningTask[];
  /** Leaves what still runs to its leases: it is renewed no more, and its results are not written. */
  leave(): void;
}

/** A worker that can take attempts as they begin. */
export interface StoreWorker extends Worker {
  /** The claim for a new attempt that this worker could run at once: it has its executor, and the task wants no key. */
  claimAtBirth(dispatch: Dispatch): BirthClaim | undefined;
  /** Runs an attempt that began as granted to this worker. */
  run(born: BornAttempt): Promise<void>;
}

/** A task that a worker works on. */
export interface RunningTask {
  readonly stackId: string;
  readonly task: string;
}

const DEFAULT_LEASE_MS = 30_000;

/** A worker over a store. */
export function createWorker(deps: WorkerDeps, options: WorkerOptions = {}): StoreWorker {
  const held = new Map<HeldAttempt, TaskMessage>();
  const owner = options.owner ?? deps.ids.next();
  const leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS;
  const context: ContextDeps = {
    clock: deps.clock,
    logger: deps.logger,
    records: deps.store.records,
    leases: createLeases(deps.store.records, { clock: deps.clock }),
    ...(deps.aws === undefined ? {} : { aws: deps.aws }),
    ...(options.services === undefined ? {} : { services: options.services }),
  };
  let stopping = false;

  async function run(
    message: TaskMessage,
    claimed: Extract<ClaimResult, { kind: "granted" }>,
    { fault, limits = {} }: { readonly fault?: Failed | undefined; readonly limits?: InvocationLimits } = {},
  ): Promise<void> {
    const { store, clock, finish } = deps;
    const logger = bindAttempt(deps.logger, message);
    logger.debug("An attempt was taken up.", { token: claimed.grant.token, again: claimed.again });
    const onReport = options.onReport === undefined ? () => undefined : guardReport(logger, message, options.onReport);
    const executor = findExecutor(deps.executors, message);
    await runAttempt(
      { store, clock, logger, context: { ...context, logger }, leaseMs, held, isStopping: () => stopping, finish },
      { executor, fault, message, claimed, onReport, end: toInvocationEnd(limits, clock.now()) },
    );
  }

  return {
    claimAtBirth({ attemptId, message }) {
      const executor = findExecutor(deps.executors, message);
      if (stopping || executor === undefined) return undefined;
      const { exclusiveKeys, fault } = findExclusiveKeys(executor, message);
      return fault === undefined && exclusiveKeys.length === 0 ? { attemptId, owner, leaseMs } : undefined;
    },
    run: ({ message, ...granted }) => run(message, { kind: "granted", again: false, ...granted }),
    async handle({ attemptId, message }, limits = {}) {
      if (stopping) return { kind: "retry", reason: "The worker stops." };
      const executor = findExecutor(deps.executors, message);
      const { exclusiveKeys, fault } = findExclusiveKeys(executor, message);
      const claimed = await deps.store.claim({ attemptId, owner, leaseMs, exclusiveKeys, now: deps.clock.now() });
      if (claimed.kind !== "granted") return noteRefusedClaim(bindAttempt(deps.logger, message), claimed);
      await run(message, claimed, { fault, limits });
      return { kind: "done" };
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

/** Who listens to a task's progress cannot make the task fail. */
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

function findExecutor(executors: ReadonlyMap<string, Executor>, message: TaskMessage): Executor | undefined {
  const name = message.task["executor"];
  return typeof name === "string" ? executors.get(name) : undefined;
}

function noteRefusedClaim(logger: Logger, claimed: Exclude<ClaimResult, { kind: "granted" }>): DeliveryOutcome {
  logger.debug("An attempt was not granted.", { answer: claimed.kind });
  return { kind: "done" };
}
