import type { Place } from "../sim-call.ts";

/** A command, with one invocation for each instance. */
export interface SimCommand extends Place {
  readonly commandId: string;
  readonly documentName: string;
  readonly documentVersion: string;
  readonly comment: string;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly steps: readonly CommandStep[];
  readonly instanceIds: readonly string[];
  readonly targets: readonly unknown[];
  readonly requestedAt: number;
  readonly deliverySeconds: number;
  readonly executionSeconds: number;
  readonly maxConcurrency: string;
  readonly maxErrors: string;
  readonly output: { readonly bucket: string; readonly prefix: string };
  readonly logs: unknown;
  readonly invocations: readonly SimInvocation[];
  /** Why it never ran. */
  readonly refusal?: "NoInstancesInTag" | "RateExceeded";
  /** How far the invocations have been played. */
  playedUntil: number;
  cancelledAt?: number;
}

/** A step of the document. */
export interface CommandStep {
  readonly name: string;
  /** Platforms that it runs on; others skip it. */
  readonly platforms: readonly string[];
}

/** A command on one instance. */
export interface SimInvocation {
  readonly instanceId: string;
  readonly platformType: string;
  startedAt?: number;
  course?: Course;
  cancelRequestedAt?: number;
  /** Ended before its turn came. */
  dropped?: { readonly at: number; readonly end: "Terminated" | "Cancelled" };
}

/** The detailed state of an invocation; the user guide writes some with spaces, the API without. */
export type InvocationDetails = "Pending" | "InProgress" | "Delayed" | "Cancelling" | "Terminated" | Course["end"];

/** Returns its detailed state at an instant up to which the command has been played. */
export function detailsOf(
  { startedAt, course, dropped, cancelRequestedAt }: SimInvocation,
  now: number,
): InvocationDetails {
  if (dropped !== undefined && dropped.at <= now) return dropped.end;
  if (startedAt === undefined || course === undefined) return "Pending";
  if (now >= course.endsAt) return course.end;
  if (cancelRequestedAt !== undefined) return "Cancelling";
  if (course.deliveredAt !== undefined && now >= course.deliveredAt) return "InProgress";
  return course.isDelayed ? "Delayed" : "Pending";
}

/** Returns true for final states. */
export function isOver(details: InvocationDetails): boolean {
  return !["Pending", "InProgress", "Delayed", "Cancelling"].includes(details);
}

/**
 * Converts a detailed state to the short one. Source: API reference, CommandInvocationStatus, whose values leave no
 * other place for timeouts; those of `Undeliverable` and `Terminated` are not written down.
 */
export function toStatus(details: string): string {
  if (details.endsWith("TimedOut")) return "TimedOut";
  if (details === "Terminated") return "Cancelled";
  const failed = ["Undeliverable", "InvalidPlatform", "AccessDenied", "Incomplete", "NoInstancesInTag", "RateExceeded"];
  return failed.includes(details) ? "Failed" : details;
}

/**
 * Ends of an invocation that SSM never sends. `InvalidPlatform` and `AccessDenied` "don't count against max-errors, but
 * contribute to" the command's status (user guide, "Understanding command statuses"); both are `Failed` in the short
 * one: aws-samples/bottlerocket-images-cache#4, ministryofjustice/modernisation-platform#9643.
 */
export type NeverSent = "Undeliverable" | "InvalidPlatform" | "AccessDenied";

/** How an invocation goes, known when SSM begins to send it. */
export interface Course {
  /** The agent has it and begins; undefined: it never does. */
  readonly deliveredAt?: number;
  /** SSM did not reach the agent and retries: `Delayed` until delivered. */
  readonly isDelayed: boolean;
  readonly endsAt: number;
  readonly end: "Success" | "Failed" | "DeliveryTimedOut" | "ExecutionTimedOut" | "Cancelled" | NeverSent;
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
 * Returns the course: delivery, then execution, each with its own timeout. Source: user guide, "Understanding command
 * statuses" and "Understanding command timeout values"; that the delivery's time begins when the invocation is sent is
 * not written there.
 */
export function toCourse({ startAt, outcome, onlineAt, deliveryMs, executionMs }: CourseInput): Course {
  const { deliveredAfterMs = DELIVERY_MS, runsForMs = RUN_MS, exitCode = 0, stdout = "", stderr = "" } = outcome;
  const neverSent = outcome.undeliverable ? "Undeliverable" : outcome.refusedAs;
  if (neverSent !== undefined) {
    return { ...NOT_STARTED, isDelayed: false, endsAt: startAt + DELIVERY_MS, end: neverSent };
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

/** The course of a command on one instance. Times are relative to the step before. */
export interface Outcome {
  /** Until the agent has it. `Infinity`: never. Default: half a second. */
  readonly deliveredAfterMs?: number;
  /** `Infinity`: until the execution timeout. Default: two seconds. */
  readonly runsForMs?: number;
  /** Default: 0. */
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** SSM finds at once that it cannot deliver. */
  readonly undeliverable?: boolean;
  /** It does not match the document's platforms, or the caller has no access to the instance. */
  readonly refusedAs?: NeverSent;
}

/** What a script may look at. */
export interface OutcomeFacts {
  readonly instanceId: string;
  readonly commandId: string;
  readonly documentName: string;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly comment: string;
  /** 1 for the first command that the instance gets. */
  readonly count: number;
}

/** An outcome, or what decides on it when the instance's turn comes. */
export type Script = Outcome | ((facts: OutcomeFacts) => Outcome);

/** Scripts by instance; `*` is for all others. */
export interface Scripts {
  /** Sets one script for each command on the instance, in order; the last one is reused. */
  set(instanceId: string, ...scripts: readonly Script[]): void;
  next(facts: Omit<OutcomeFacts, "count">): Outcome;
}

/** Creates no scripts: everything succeeds. */
export function createScripts(): Scripts {
  const scripts = new Map<string, readonly Script[]>();
  const counts = new Map<string, number>();
  return {
    set: (instanceId, ...given) => void scripts.set(instanceId, given),
    next(facts) {
      const count = (counts.get(facts.instanceId) ?? 0) + 1;
      counts.set(facts.instanceId, count);
      const own = scripts.get(facts.instanceId) ?? scripts.get("*") ?? [];
      const script = own[count - 1] ?? own.at(-1) ?? {};
      return typeof script === "function" ? script({ ...facts, count }) : script;
    },
  };
}
