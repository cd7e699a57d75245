import type { TaskMessage } from "../machine/task-message.ts";
import type { ClaimResult } from "../ports/attempt-store.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { Executor } from "../ports/executor.ts";
import type { Logger } from "../ports/logger.ts";
import type { Store } from "../ports/store.ts";
import type { DeliveryOutcome, TaskDelivery } from "../ports/transport.ts";
import type { AwsAccess, ContextDeps } from "./executor-context.ts";
import type { HeldAttempt } from "./held-attempt.ts";
import { createLeases } from "./leases.ts";
import { runAttempt } from "./run-attempt.ts";
import { findTarget } from "./task-target.ts";

/** What a worker works with. */
export interface WorkerDeps {
  readonly store: Store;
  readonly executors: ReadonlyMap<string, Executor>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** Where tasks may reach AWS. */
  readonly aws?: AwsAccess;
}

export interface WorkerOptions {
  /** How long a crashed worker's attempts stay with it. Default: 30 s. */
  readonly leaseMs?: number;
  /** Who holds the leases; default: a fresh id. */
  readonly owner?: string;
  /** The base address of the yard's Terraform state backend. */
  readonly stateBackendUrl?: string;
  /** Each line of a task's progress, as it comes. */
  readonly onReport?: (line: { readonly message: TaskMessage; readonly line: string }) => void;
}

/** Claims attempts, runs one step of their executor, and suspends or settles them. */
export interface Worker {
  handle(delivery: TaskDelivery): Promise<DeliveryOutcome>;
  /** Asks the running executors to end; their attempts are handed out again at once. */
  abort(): void;
}

const DEFAULT_LEASE_MS = 30_000;

/** A worker over a store. */
export function createWorker(deps: WorkerDeps, options: WorkerOptions = {}): Worker {
  const held = new Set<HeldAttempt>();
  const owner = options.owner ?? deps.ids.next();
  const leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS;
  const context: ContextDeps = {
    clock: deps.clock,
    logger: deps.logger,
    records: deps.store.records,
    leases: createLeases(deps.store.records, { clock: deps.clock }),
    ...(deps.aws === undefined ? {} : { aws: deps.aws }),
    ...(options.stateBackendUrl === undefined ? {} : { stateBackendUrl: options.stateBackendUrl }),
  };
  return {
    async handle({ attemptId, message }) {
      const executor = findExecutor(deps.executors, message);
      const claimed = await deps.store.claim({
        attemptId,
        owner,
        leaseMs,
        exclusiveKeys: exclusiveKeysOf(executor, message),
        now: deps.clock.now(),
      });
      if (claimed.kind !== "granted") return noteRefusedClaim(deps.logger, attemptId, claimed);
      const onReport = options.onReport;
      await runAttempt(
        { store: deps.store, clock: deps.clock, ids: deps.ids, logger: deps.logger, context, leaseMs, held },
        {
          executor,
          message,
          claimed,
          onReport: (line) => onReport?.({ message, line }),
        },
      );
      return { kind: "done" };
    },
    abort() {
      for (const attempt of held) attempt.stop();
    },
  };
}

function findExecutor(executors: ReadonlyMap<string, Executor>, message: TaskMessage): Executor | undefined {
  const name = message.task["executor"];
  return typeof name === "string" ? executors.get(name) : undefined;
}

/** The executor's own key. A config that does not fit has none: its attempt fails before it does anything. */
function exclusiveKeysOf(executor: Executor | undefined, message: TaskMessage): readonly string[] {
  const { stack, task } = message;
  try {
    const target = findTarget(message);
    const subject = { stackId: stack.id, machine: stack.machine, task: task.name, ...(target && { target }) };
    const key = executor?.exclusiveKey?.(subject, (task["config"] ?? {}) as never);
    return executor === undefined || key === undefined ? [] : [`${executor.name}:${key}`];
  } catch {
    return [];
  }
}

function noteRefusedClaim(
  logger: Logger,
  attemptId: string,
  claimed: Exclude<ClaimResult, { kind: "granted" }>,
): DeliveryOutcome {
  logger.debug("An attempt was not granted.", { attemptId, answer: claimed.kind });
  return { kind: "done" };
}
