import { defined } from "../../machine/json.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/executor.ts";
import type { AttemptStore, Grant } from "../../ports/stack-store.ts";
import type { LeaseCheck } from "./guarded-client.ts";

/** Why a call to an executor was aborted before its time. */
export type StopReason = "cancel" | "lost" | "stopping" | "out-of-time";

/** An attempt whose lease this process holds and renews. */
export interface HeldAttempt {
  /** Returns the signal of the call, which is aborted with a StopReason. It is created by the first call. */
  signal(): AbortSignal;
  /** Returns why the signal was aborted; undefined if it was not. */
  stopReason(): StopReason | undefined;
  /**
   * Returns whether this process has the lease now. Renews one that has ended by the clock, as after a pause of the process.
   * Call it before work begins, and before each request.
   */
  confirm(): Promise<LeaseCheck>;
  /** Aborts the call because the process ends. */
  stop(): void;
  /** Stops the renewals as if the process had crashed. The result of the call is ignored. */
  leave(): void;
  /** Ends the renewals. */
  end(): Promise<void>;
}

/** The input of holding an attempt. */
interface HoldInput {
  readonly grant: Grant;
  readonly leaseMs: number;
  /** When the lease was requested, in epoch milliseconds. Its end is known without the store. */
  readonly claimedAt: number;
  /** When it is renewed. */
  readonly heartbeat: Heartbeat;
  readonly clock: Clock;
  readonly attempts: Pick<AttemptStore, "renew">;
  readonly logger: Logger;
  /** Returns the newest line of progress. */
  readonly progressLine: () => string | undefined;
  /** A cancel was known at the claim: only the loss of the lease aborts. */
  readonly cancelling: boolean;
  /** When the call is aborted because the invocation ends, in epoch milliseconds. Default: never. */
  readonly stopAt?: number | undefined;
}

/** Renews the lease at each beat until `end`, and aborts the call when the lease is lost or a cancel is requested. */
export function holdAttempt(input: HoldInput): HeldAttempt {
  let controller: AbortController | undefined;
  let stopping: AbortController | undefined;
  let reason: StopReason | undefined;
  let left = false;
  // Kept in addition to the reason, which stays that of the first abort.
  let isLost = false;
  let ended = false;
  let working: Promise<unknown> | undefined;
  const abort = (why: StopReason) => {
    if (reason !== undefined) return;
    reason = why;
    controller?.abort(why);
  };
  let heldUntil = input.claimedAt + input.leaseMs;
  const extend = async () => {
    const now = input.clock.now();
    const answer = await renewOnce(input, abort);
    if (answer === "renewed") heldUntil = now + input.leaseMs;
    if (answer === "lost") isLost = true;
    return answer;
  };
  const renew = async () => {
    if ((await extend()) !== "lost" && !ended) endBeat = input.heartbeat.next(beat);
  };
  const beat = () => {
    working = renew();
  };
  let endBeat = input.heartbeat.next(beat);
  const endRenewals = () => {
    ended = true;
    endBeat();
    // Without a reason each attempt would create an error with a stack trace that is never read.
    stopping?.abort("ended");
  };
  let watching: Promise<void> | undefined;
  if (input.stopAt !== undefined) {
    stopping = new AbortController();
    watching = stopInTime(input.clock, input.stopAt, stopping.signal, abort);
  }
  return {
    signal() {
      controller ??= new AbortController();
      if (reason !== undefined) controller.abort(reason);
      return controller.signal;
    },
    stopReason: () => (left ? "lost" : reason),
    async confirm() {
      if (input.clock.now() >= heldUntil) await extend();
      if (left || isLost) return "lost";
      return input.clock.now() < heldUntil ? "held" : "unknown";
    },
    stop: () => abort("stopping"),
    leave() {
      left = true;
      abort("lost");
      endRenewals();
    },
    async end() {
      endRenewals();
      if (working !== undefined || watching !== undefined) await Promise.all([working, watching]);
    },
  };
}

async function stopInTime(
  clock: Clock,
  stopAt: number,
  ended: AbortSignal,
  abort: (reason: StopReason) => void,
): Promise<void> {
  await clock.sleep(stopAt - clock.now(), ended);
  if (!ended.aborted) abort("out-of-time");
}

async function renewOnce(
  input: HoldInput,
  abort: (reason: StopReason) => void,
): Promise<"renewed" | "lost" | "unknown"> {
  const { grant, leaseMs, clock, attempts, logger } = input;
  try {
    const message = input.progressLine();
    const renewed = await attempts.renew(grant, {
      leaseMs,
      now: clock.now(),
      ...defined({ message }),
    });
    if (renewed.kind === "lost") abort("lost");
    else if (renewed.cancelling !== undefined && !input.cancelling) abort("cancel");
    return renewed.kind;
  } catch (error) {
    // The next renewal may succeed. If it does not, the lease expires and another worker claims the attempt.
    logger.warn("A lease could not be renewed.", { error, attemptId: grant.attemptId });
    return "unknown";
  }
}

/** Calls functions after one interval, which is the same for all, so that they share one timer. */
export interface Heartbeat {
  /** Schedules a call. Returns the function that removes it. */
  next(call: () => void): () => void;
}

/** Creates a heartbeat. Its timer runs only while calls are scheduled. */
export function createHeartbeat(clock: Clock, intervalMs: number): Heartbeat {
  // In the order in which they are due.
  const calls = new Map<() => void, number>();
  let sleeping: AbortController | undefined;
  let isBeating = false;

  async function beat(): Promise<void> {
    isBeating = true;
    for (let [dueAt] = calls.values(); dueAt !== undefined; [dueAt] = calls.values()) {
      sleeping = new AbortController();
      await clock.sleep(Math.min(intervalMs, dueAt - clock.now()), sleeping.signal);
      const now = clock.now();
      for (const [call, at] of calls) {
        // One further away than an interval: the clock was set back.
        if (at > now && at <= now + intervalMs) break;
        calls.delete(call);
        call();
      }
    }
    isBeating = false;
  }

  return {
    next(call) {
      calls.set(call, clock.now() + intervalMs);
      if (!isBeating) void beat();
      return () => {
        if (calls.delete(call) && calls.size === 0) sleeping?.abort("ended");
      };
    },
  };
}
