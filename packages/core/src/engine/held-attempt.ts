import type { AttemptStore, Grant } from "../ports/attempt-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";

/** Why a call to an executor was asked to end before its time. */
export type StopReason = "cancel" | "lost" | "stopping" | "out-of-time";

/** An attempt whose lease this process holds and renews. */
export interface HeldAttempt {
  /** Aborted with a StopReason. */
  readonly signal: AbortSignal;
  /** Why it was aborted; undefined while it was not. */
  stopReason(): StopReason | undefined;
  /** Asks the executor to end because the process ends. */
  stop(): void;
  /** Leaves the attempt to its lease as if the process had died: the call's end counts for nothing any more. */
  leave(): void;
  /** Ends the renewals. */
  end(): Promise<void>;
}

/** What holding an attempt needs. */
export interface HoldInput {
  readonly grant: Grant;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly attempts: Pick<AttemptStore, "renew">;
  readonly logger: Logger;
  /** The newest line of progress. */
  readonly progressLine: () => string | undefined;
  /** A cancel was known at the claim: only the loss of the lease aborts. */
  readonly cancelling: boolean;
  /** When the executor is asked to end because the invocation ends; epoch milliseconds. Default: never. */
  readonly stopAt?: number | undefined;
}

/** Renews the lease at a third of its life until it is ended, lost, or a cancel is asked for. */
export function holdAttempt(input: HoldInput): HeldAttempt {
  const controller = new AbortController();
  const ended = new AbortController();
  // Without a reason each attempt would make an error and note its stack, for nobody.
  const endRenewals = () => ended.abort("ended");
  const abort = (reason: StopReason) => {
    if (!controller.signal.aborted) controller.abort(reason);
  };
  const watching = [renewUntilEnded(input, ended.signal, abort), stopInTime(input, ended.signal, abort)];
  let left = false;
  return {
    signal: controller.signal,
    stopReason() {
      if (left) return "lost";
      return controller.signal.aborted ? (controller.signal.reason as StopReason) : undefined;
    },
    stop: () => abort("stopping"),
    leave() {
      left = true;
      abort("lost");
      endRenewals();
    },
    async end() {
      endRenewals();
      await Promise.all(watching);
    },
  };
}

async function stopInTime(
  { stopAt, clock }: HoldInput,
  ended: AbortSignal,
  abort: (reason: StopReason) => void,
): Promise<void> {
  if (stopAt === undefined) return;
  await clock.sleep(stopAt - clock.now(), ended);
  if (!ended.aborted) abort("out-of-time");
}

async function renewUntilEnded(
  input: HoldInput,
  ended: AbortSignal,
  abort: (reason: StopReason) => void,
): Promise<void> {
  const { grant, leaseMs, clock, attempts, logger } = input;
  for (;;) {
    await clock.sleep(leaseMs / 3, ended);
    if (ended.aborted) return;
    try {
      const message = input.progressLine();
      const renewed = await attempts.renew(grant, {
        leaseMs,
        now: clock.now(),
        ...(message === undefined ? {} : { message }),
      });
      if (renewed.kind === "lost") return abort("lost");
      if (renewed.cancelling !== undefined && !input.cancelling) abort("cancel");
    } catch (error) {
      // The next renewal may succeed; when none does, the lease lapses and the attempt is handed out again.
      logger.warn("A lease could not be renewed.", { error, attemptId: grant.attemptId });
    }
  }
}
