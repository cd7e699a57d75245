import { RESULT_EVENTS, type StackEvent, SYSTEM_EVENTS } from "../message/event.ts";
import type { ParkedCode, RefusalCode } from "./decision.ts";

/** True for codes of refusals that a later state, machine or revision may lift. */
export function isParkedCode(code: string): code is ParkedCode {
  return PARKED.has(code);
}

/**
 * True when the engine keeps a refused event and decides it again. Results and timers' events are kept only where the
 * machine is at fault, operators' events never: their sender gets the code.
 */
export function isParked(event: StackEvent, code: RefusalCode): boolean {
  if (!isParkedCode(code) || OPERATORS_EVENTS.has(event.name)) return false;
  const answered = event.origin === "timer" || RESULT_EVENTS.has(event.name);
  return !answered || MACHINES_FAULT.has(code);
}

/** Events that people send about a stack, whatever its machine declares. */
export const OPERATORS_EVENTS: ReadonlySet<string> = new Set([
  SYSTEM_EVENTS.retryFailedTasks,
  SYSTEM_EVENTS.retryPendingTasks,
  SYSTEM_EVENTS.cancelTask,
  SYSTEM_EVENTS.settleTask,
  SYSTEM_EVENTS.removeStack,
  SYSTEM_EVENTS.upgradeStack,
]);

/** Codes of refusals whose cause is the machine, not the stack's state. */
export const MACHINES_FAULT: ReadonlySet<string> = new Set([
  "STATE_UNKNOWN",
  "MACHINE_UNKNOWN",
  "MACHINE_INVALID",
  "PATTERN_NOT_LINEAR",
]);

const PARKED: ReadonlySet<string> = new Set([...MACHINES_FAULT, "EVENT_NOT_HANDLED", "EXPRESSION_FAILED"]);
