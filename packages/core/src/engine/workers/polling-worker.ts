import type { Dispatch } from "../../machine/decide/decision.ts";
import type { DeliveryOutcome, TaskDelivery } from "../../ports/transport.ts";
import type { StepEnd } from "../attempts/run-attempt.ts";
import type { InvocationLimits } from "./invocation-limits.ts";
import { createStepWorker, findExecutor, type StoreWorker, type WorkerDeps, type WorkerOptions } from "./worker.ts";

/** Options of a polling worker. */
interface PollingOptions extends WorkerOptions {
  /** Called when an attempt has ended, with its id. It does not throw. */
  readonly onSettled?: (attemptId: string) => Promise<void>;
  /** Called when a step has suspended its attempt, which may have queued events for other stacks. It does not throw. */
  readonly onSuspended?: (attemptId: string) => Promise<void>;
}

/** A worker that polls suspended attempts itself. */
export interface PollingWorker extends StoreWorker {
  /** Resolves when all calls of `onSettled` and `onSuspended` have ended. The next task does not wait for them. */
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
  const { onSettled = async () => {}, onSuspended = async () => {} } = options;
  const { step, runBorn, ...worker } = createStepWorker(deps, options);
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

  function send(end: StepEnd | undefined, attemptId: string): void {
    if (end?.kind !== "settled" && end?.kind !== "suspended") return;
    const call = end.kind === "settled" ? onSettled : onSuspended;
    const sent = call(attemptId).finally(() => sending.delete(sent));
    sending.add(sent);
  }

  /** Returns the time until the next poll after a step, or undefined if this call does not poll. */
  function findWaitMs(end: StepEnd | undefined, until: number): number | undefined {
    if (end?.kind !== "suspended" || end.until > until) return undefined;
    const waitMs = Math.max(0, end.until - clock.now());
    return waitMs > LONGEST_WAIT_MS ? undefined : waitMs;
  }

  /** Waits for the next poll after a step, and returns false if this call does not poll. A timer can end a little early. */
  async function waitForPoll(end: StepEnd | undefined, until: number): Promise<boolean> {
    for (;;) {
      const waitMs = findWaitMs(end, until);
      if (waitMs === undefined || stopping.signal.aborted) return false;
      if (waitMs === 0) return true;
      await clock.sleep(waitMs, stopping.signal);
    }
  }

  /** Polls after a step, while the next poll is soon due. */
  async function pollOn(delivery: TaskDelivery, limits: InvocationLimits, first: StepEnd | undefined) {
    const { endsAt = Number.POSITIVE_INFINITY } = limits;
    const until = Math.min(clock.now() + POLLING_MS, endsAt - SPARE_MS);
    let outcome: DeliveryOutcome = { kind: "done" };
    for (let end = first; ; ) {
      send(end, delivery.attemptId);
      if (!(await waitForPoll(end, until))) return outcome;
      ({ outcome, end } = await step(delivery, limits));
    }
  }

  return {
    ...worker,
    async sent() {
      while (sending.size > 0) await Promise.all(sending);
    },
    claimAtBirth: (dispatch) => (hasTimeFor(dispatch) ? worker.claimAtBirth(dispatch) : undefined),
    async run(born, limits = { endsAt: invocation.endsAt }) {
      const end = await runBorn(born, limits);
      await pollOn({ attemptId: born.grant.attemptId, message: born.message, deliveries: 1 }, limits, end);
    },
    async handle(delivery, limits = {}) {
      const { endsAt = Number.POSITIVE_INFINITY } = limits;
      if (endsAt !== invocation.endsAt) invocation = { beganAt: clock.now(), endsAt };
      const { outcome, end } = await step(delivery, limits);
      return outcome.kind === "done" ? pollOn(delivery, limits, end) : outcome;
    },
    abort() {
      stopping.abort("stopping");
      worker.abort();
    },
  };
}
