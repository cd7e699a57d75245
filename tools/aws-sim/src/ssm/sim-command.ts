import type { Course } from "./commands.ts";

/** A command, with one invocation for each instance. */
export interface SimCommand {
  readonly account: string;
  readonly region: string;
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
  readonly action: string;
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
  /** Its output lies in the bucket. */
  isWritten?: boolean;
  /** Ended before its turn came. */
  dropped?: { readonly at: number; readonly end: "Terminated" | "Cancelled" };
}

/** The detailed state of an invocation; the user guide writes some with spaces, the API without. */
export type InvocationDetails = "Pending" | "InProgress" | "Delayed" | "Cancelling" | "Terminated" | Course["end"];

/** Its detailed state at an instant up to which the command has been played. */
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

/** True for the states that stay. */
export function isOver(details: InvocationDetails): boolean {
  return !["Pending", "InProgress", "Delayed", "Cancelling"].includes(details);
}

/**
 * The short state of a detailed one. Source: API reference, CommandInvocationStatus, whose values leave no other place for
 * time-outs; those of `Undeliverable` and `Terminated` are not written down.
 */
export function toStatus(details: string): string {
  if (details.endsWith("TimedOut")) return "TimedOut";
  if (details === "Terminated") return "Cancelled";
  return ["Undeliverable", "Incomplete", "NoInstancesInTag", "RateExceeded"].includes(details) ? "Failed" : details;
}
