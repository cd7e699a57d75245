import { countErrors, toCount } from "./play-command.ts";
import { detailsOf, type InvocationDetails, isOver, type SimCommand } from "./sim-command.ts";

/** How a command stands. */
export interface CommandStanding {
  readonly details: string;
  readonly completed: number;
  readonly errors: number;
  readonly deliveryTimedOut: number;
}

/**
 * Its detailed state and counts at an instant up to which it has been played. Source: API reference, "Command":
 * StatusDetails, CompletedCount, ErrorCount, DeliveryTimedOutCount. `Undeliverable` has no part in it.
 */
export function commandStanding(command: SimCommand, now: number): CommandStanding {
  const all = command.invocations.map((each) => detailsOf(each, now));
  const count = (...wanted: readonly InvocationDetails[]) => all.filter((each) => wanted.includes(each)).length;
  return {
    details: command.refusal ?? detailsOfAll(command, all, now),
    completed: all.filter(isOver).length,
    errors: count("Failed", "ExecutionTimedOut"),
    deliveryTimedOut: count("DeliveryTimedOut"),
  };
}

function detailsOfAll(command: SimCommand, all: readonly InvocationDetails[], now: number): string {
  if (!all.every(isOver)) {
    if (command.cancelledAt !== undefined) return "Cancelling";
    return all.every((each) => each === "Pending" || each === "Delayed") ? "Pending" : "InProgress";
  }
  if (command.cancelledAt !== undefined) return "Cancelled";
  const allowed = toCount(command.maxErrors, all.length, 0);
  if (countErrors(command, now) > allowed) return all.includes("Failed") ? "Failed" : "ExecutionTimedOut";
  const late = all.filter((each) => each === "DeliveryTimedOut").length;
  if (late > allowed) return "DeliveryTimedOut";
  return all.every((each) => each === "Success" || each === "Undeliverable") ? "Success" : "Incomplete";
}
