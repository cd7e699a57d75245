import { toErrorText } from "../errors/stackyard-error.ts";
import type { Dispatch } from "../machine/decide/decision.ts";
import { defined } from "../machine/json.ts";
import { listSecretRefs } from "../machine/secrets.ts";
import type { TaskMessage } from "../machine/task-message.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import {
  type Executor,
  type Failed,
  failed,
  type LogFields,
  type Logger,
  type ProvidedService,
} from "../ports/executor.ts";
import type { BirthClaim, ClaimResult } from "../ports/stack-store.ts";
import type { DeliveryOutcome, TaskDelivery } from "../ports/transport.ts";
import type { AttemptLogs } from "./attempt-log.ts";
import { createLeases } from "./built-in-ports.ts";
import { findFaults } from "./check-step.ts";
import type { AwsAccess, ContextDeps } from "./executor-context.ts";
import { findTarget, findTargetFault } from "./find-target.ts";
import { type InvocationLimits, toInvocationEnd } from "./invocation-limits.ts";
import type { BornAttempt, FinishedAttempt } from "./process-inputs.ts";
import { resolveSecrets } from "./resolve-secrets.ts";
import { createHeartbeat, type HeldAttempt, runAttempt, type WorkerStore } from "./run-attempt.ts";

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

/** Creates a worker over a store. */
export function createWorker(deps: WorkerDeps, options: WorkerOptions = {}): StoreWorker {
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
    { fault, limits = {} }: { readonly fault?: Failed | undefined; readonly limits?: InvocationLimits } = {},
  ): Promise<void> {
    const { store, clock, finish, logs } = deps;
    const logger = bindAttempt(deps.logger, message);
    logger.debug("An attempt was started.", { token: claimed.grant.token, again: claimed.again });
    const onReport = options.onReport === undefined ? () => undefined : guardReport(logger, message, options.onReport);
    const executor = findExecutor(deps.executors, message);
    await runAttempt(
      { store, clock, logger, context, leaseMs, heartbeat, held, isStopping, finish, logs },
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
    run: ({ message, ...granted }, limits = {}) =>
      run(message, { kind: "granted", again: false, ...granted }, { limits }),
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

/** Options of a polling worker. */
interface PollingOptions extends WorkerOptions {
  /** Called when an attempt has ended, with its id. It does not throw. */
  readonly onSettled?: (attemptId: string) => Promise<void>;
}

/** A worker that polls suspended attempts itself. */
export interface PollingWorker extends StoreWorker {
  /** Resolves when all calls of `onSettled` have ended. The next task does not wait for them. */
  sent(): Promise<void>;
}

/** The longest wait for a poll. The sweep sends the message of a poll that is due later. */
const LONGEST_WAIT_MS = 30_000;
/** Polling stops this long before the invocation ends. */
const SPARE_MS = 60_000;
/** Polling stops after this time in any case, because a waiting slot runs no other task. */
const POLLING_MS = 300_000;
/** The share of an invocation that must be left for a task that begins without its own message. */
const BIRTH_PART = 3 / 4;

/**
 * Creates a worker for a transport other than the store's. There a poll would wait for the next sweep (up to a minute),
 * so this worker polls attempts itself while their next poll is soon due. Between two polls the attempt is suspended in
 * the store, so a crash loses no progress, and a cancel reaches the attempt.
 *
 * In an invocation with a time limit, it claims a new attempt only if the remaining time covers its timeout, or is at
 * least three quarters of the invocation, and only if the executor can continue the attempt in another invocation.
 */
export function createPollingWorker(deps: WorkerDeps, options: PollingOptions = {}): PollingWorker {
  const { clock, executors } = deps;
  const { onSettled = async () => {} } = options;
  const ends = new Map<string, StepEnd>();
  const worker = createWorker(noteEnds(deps, ends), options);
  const stopping = new AbortController();
  const sending = new Set<Promise<void>>();
  /** The newest invocation; a function has one at a time. */
  let invocation = { beganAt: clock.now(), endsAt: Number.POSITIVE_INFINITY };

  function hasTimeFor({ message, timeoutMs }: Dispatch): boolean {
    const { beganAt, endsAt } = invocation;
    if (endsAt === Number.POSITIVE_INFINITY) return true;
    const neededMs = Math.min(timeoutMs + SPARE_MS, (endsAt - beganAt) * BIRTH_PART);
    return findExecutor(executors, message)?.resumable === true && endsAt - clock.now() >= neededMs;
  }

  function send(attemptId: string): void {
    const sent = onSettled(attemptId).finally(() => sending.delete(sent));
    sending.add(sent);
  }

  /**
   * Returns the time until the next poll of an attempt whose step has just ended, or undefined if this call does not
   * poll it.
   */
  function findWaitMs(attemptId: string, until: number): number | undefined {
    const end = ends.get(attemptId);
    ends.delete(attemptId);
    if (end === "settled") send(attemptId);
    if (typeof end !== "number" || end > until) return undefined;
    const waitMs = Math.max(0, end - clock.now());
    return waitMs > LONGEST_WAIT_MS ? undefined : waitMs;
  }

  /** Polls after a step, while the next poll is soon due. */
  async function pollOn(delivery: TaskDelivery, limits: InvocationLimits): Promise<DeliveryOutcome> {
    const { endsAt = Number.POSITIVE_INFINITY } = limits;
    const until = Math.min(clock.now() + POLLING_MS, endsAt - SPARE_MS);
    for (let outcome: DeliveryOutcome = { kind: "done" }; ; outcome = await worker.handle(delivery, limits)) {
      const waitMs = findWaitMs(delivery.attemptId, until);
      if (waitMs === undefined || stopping.signal.aborted) return outcome;
      await clock.sleep(waitMs, stopping.signal);
      if (stopping.signal.aborted) return outcome;
    }
  }

  return {
    ...worker,
    async sent() {
      while (sending.size > 0) await Promise.all(sending);
    },
    claimAtBirth: (dispatch) => (hasTimeFor(dispatch) ? worker.claimAtBirth(dispatch) : undefined),
    async run(born, limits = { endsAt: invocation.endsAt }) {
      await worker.run(born, limits);
      await pollOn({ attemptId: born.grant.attemptId, message: born.message, deliveries: 1 }, limits);
    },
    async handle(delivery, limits = {}) {
      const { endsAt = Number.POSITIVE_INFINITY } = limits;
      if (endsAt !== invocation.endsAt) invocation = { beganAt: clock.now(), endsAt };
      const outcome = await worker.handle(delivery, limits);
      return outcome.kind === "done" ? pollOn(delivery, limits) : outcome;
    },
    abort() {
      stopping.abort("stopping");
      worker.abort();
    },
  };
}

/** How a step ended: settled, or suspended until that instant. */
type StepEnd = "settled" | number;

/** Wraps the dependencies so that they note how each step has ended. */
function noteEnds({ store, finish, ...deps }: WorkerDeps, ends: Map<string, StepEnd>): WorkerDeps {
  return {
    ...deps,
    ...(finish && {
      async finish(finished) {
        const outcome = await finish(finished);
        if (outcome.kind === "done") ends.set(finished.result.grant.attemptId, "settled");
        return outcome;
      },
    }),
    store: {
      records: store.records,
      revisions: store.revisions,
      claim: (input) => store.claim(input),
      renew: (grant, input) => store.renew(grant, input),
      async settle(grant, input) {
        const answer = await store.settle(grant, input);
        if (answer === "settled") ends.set(grant.attemptId, "settled");
        return answer;
      },
      async suspend(grant, input) {
        const answer = await store.suspend(grant, input);
        if (answer === "suspended") ends.set(grant.attemptId, input.dueAt);
        return answer;
      },
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

function findExecutor(executors: ReadonlyMap<string, Executor>, message: TaskMessage): Executor | undefined {
  const name = message.task["executor"];
  return typeof name === "string" ? executors.get(name) : undefined;
}

function noteRefusedClaim(logger: Logger, claimed: Exclude<ClaimResult, { kind: "granted" }>): DeliveryOutcome {
  logger.debug("An attempt was not granted.", { answer: claimed.kind });
  return { kind: "done" };
}

/** The exclusive keys of an attempt. */
interface ExclusiveKeys {
  readonly exclusiveKeys: readonly string[];
  /** Set when a key cannot be determined. The work must not begin without it. */
  readonly fault?: Failed;
}

/** Returns the executor's own key and the task's explicit one. */
export function findExclusiveKeys(executor: Executor | undefined, message: TaskMessage): ExclusiveKeys {
  const fault = findTargetFault(message);
  if (fault !== undefined) return { exclusiveKeys: [], fault };
  const { exclusiveKey } = message.dispatch;
  const explicit = exclusiveKey === undefined ? [] : [`key:${exclusiveKey}`];
  try {
    const own = findOwnKey(executor, message);
    return { exclusiveKeys: own === undefined ? explicit : [own, ...explicit] };
  } catch (error) {
    const reason = `The executor "${executor?.name}" could not name its exclusive key: ${toErrorText(error)}`;
    return { exclusiveKeys: [], fault: failed({ code: "PLUGIN_INVALID", message: reason, retryable: false }) };
  }
}

/** Returns undefined for an invalid config: its attempt fails before it does anything. */
function findOwnKey(executor: Executor | undefined, message: TaskMessage): string | undefined {
  if (executor?.exclusiveKey === undefined) return undefined;
  const { stack, task, dispatch } = message;
  const refs = dispatch.version === 2 ? listSecretRefs(task["config"]) : [];
  const config = refs.length === 0 ? (task["config"] ?? {}) : toNamedConfig(message, refs);
  // Names of secrets match no schema of numbers or patterns; such a config was checked when it was resolved.
  if (refs.length === 0 && findFaults(executor.config, config) !== undefined) return undefined;
  const target = findTarget(message);
  const subject = { stackId: stack.id, machine: stack.machine, task: task.name, ...(target && { target }) };
  const key = executor.exclusiveKey(subject, config as never);
  return key === undefined ? undefined : `${executor.name}:${key}`;
}

/**
 * Returns the config that keys are derived from. That happens before the claim returns the values of secrets, so
 * references replace the secrets here.
 */
function toNamedConfig(message: TaskMessage, refs: readonly string[]): unknown {
  const names = Object.fromEntries(refs.map((ref) => [ref, ref]));
  return resolveSecrets(message, names).message.task["config"] ?? {};
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
