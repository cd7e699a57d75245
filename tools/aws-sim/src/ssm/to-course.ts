import type { Outcome } from "./outcome.ts";

/** How an invocation goes, known when SSM begins to send it. */
export interface Course {
  /** The agent has it and begins; undefined: it never does. */
  readonly deliveredAt?: number;
  /** SSM found nobody there and tries again: `Delayed` until delivered. */
  readonly isDelayed: boolean;
  readonly endsAt: number;
  readonly end: "Success" | "Failed" | "DeliveryTimedOut" | "ExecutionTimedOut" | "Undeliverable" | "Cancelled";
  /** -1: it has not started. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What bears on it. */
export interface CourseInput {
  readonly startAt: number;
  readonly outcome: Outcome;
  /** When an agent is there from `startAt` on; `Infinity`: never. */
  readonly onlineAt: number;
  readonly deliveryMs: number;
  readonly executionMs: number;
}

const DELIVERY_MS = 500;
const RUN_MS = 2_000;
const NOT_STARTED = { exitCode: -1, stdout: "", stderr: "" };
/** The agent kills what takes too long; a shell answers 137 for it. */
const KILLED = 137;

/**
 * Delivery, then execution, each with its own time-out. Source: user guide, "Understanding command statuses" and
 * "Understanding command timeout values"; that the delivery's time begins when the invocation is sent is not written there.
 */
export function toCourse({ startAt, outcome, onlineAt, deliveryMs, executionMs }: CourseInput): Course {
  const { deliveredAfterMs = DELIVERY_MS, runsForMs = RUN_MS, exitCode = 0, stdout = "", stderr = "" } = outcome;
  if (outcome.undeliverable) {
    return { ...NOT_STARTED, isDelayed: false, endsAt: startAt + DELIVERY_MS, end: "Undeliverable" };
  }
  const isDelayed = onlineAt > startAt || deliveredAfterMs === Number.POSITIVE_INFINITY;
  const deliveredAt = onlineAt + deliveredAfterMs;
  if (deliveredAt > startAt + deliveryMs) {
    return { ...NOT_STARTED, isDelayed, endsAt: startAt + deliveryMs, end: "DeliveryTimedOut" };
  }
  const isKilled = runsForMs > executionMs;
  return {
    deliveredAt,
    isDelayed,
    stdout,
    stderr,
    endsAt: deliveredAt + Math.min(runsForMs, executionMs),
    end: isKilled ? "ExecutionTimedOut" : exitCode === 0 ? "Success" : "Failed",
    exitCode: isKilled ? KILLED : exitCode,
  };
}
