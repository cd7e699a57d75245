/** The state of one instance. `not-sent` without a code is still to be sent. */
export type InstanceState = "succeeded" | "failed" | "running" | "cancelled" | "not-sent" | "skipped";

/** A state, with the code of a failure. */
export interface InstanceOutcome {
  readonly state: InstanceState;
  readonly code?: string;
}

const RUNNING: InstanceOutcome = { state: "running" };
const CANCELLED: InstanceOutcome = { state: "cancelled", code: "CANCELLED" };
const FAILED: InstanceOutcome = { state: "failed", code: "COMMAND_FAILED" };

// "Understanding command statuses" (Systems Manager user guide). The same state is spelt with and without spaces, and
// cancelled with one l or two, so both are taken out before the comparison. `TimedOut` is the coarse status.
const OUTCOMES: ReadonlyMap<string, InstanceOutcome> = new Map([
  ["success", { state: "succeeded" }],
  ["pending", RUNNING],
  ["inprogress", RUNNING],
  ["delayed", RUNNING],
  ["cancelling", RUNNING],
  ["canceling", RUNNING],
  ["cancelled", CANCELLED],
  ["canceled", CANCELLED],
  ["terminated", { state: "cancelled", code: "TERMINATED" }],
  ["deliverytimedout", { state: "failed", code: "DELIVERY_TIMEOUT" }],
  ["executiontimedout", { state: "failed", code: "EXECUTION_TIMEOUT" }],
  ["timedout", { state: "failed", code: "EXECUTION_TIMEOUT" }],
  ["undeliverable", { state: "failed", code: "UNDELIVERABLE" }],
  ["invalidplatform", { state: "failed", code: "INVALID_PLATFORM" }],
  ["accessdenied", { state: "failed", code: "INSTANCE_ACCESS_DENIED" }],
  ["failed", FAILED],
]);

/** Converts SSM's detailed status of an invocation; an unknown one is a failure. */
export function toInstanceState(detailedStatus: string): InstanceOutcome {
  return OUTCOMES.get(toPlainStatus(detailedStatus)) ?? FAILED;
}

/** Returns a status in the spelling in which it is compared: lower case, without spaces. */
export function toPlainStatus(status: string): string {
  return status.replace(/[\s_-]+/g, "").toLowerCase();
}

/** Returns true for a final detailed status of a command. Unknown yet: not final. */
export function isFinalStatus(status: string | undefined): boolean {
  return status !== undefined && toInstanceState(status).state !== "running";
}
