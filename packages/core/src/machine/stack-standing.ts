import type { Stack } from "./stack.ts";
import { evaluateHealth, listOpenFailures, type OpenFailure, type StackHealth } from "./stack-health.ts";

/** Where a release wants a stack to rest, and where a stack has failed. */
export interface RestingPlace {
  /** Its states; a list without any accepts every state. */
  readonly until: readonly string[];
  readonly failed: readonly string[];
}

/**
 * The state of a stack at a place of a release. `moving`: something of it is at work. `failed`: what it was to become it has not become.
 * `elsewhere`: it rests, but not where it should. `arrived`: it rests where it should, and nothing of it has failed.
 */
export type Standing =
  | { readonly kind: "moving" | "elsewhere" | "arrived" }
  | { readonly kind: "failed"; readonly code: FailedCode; readonly message: string };

/** Why a stack has failed. `STACK_BROKEN`: it is in a state of `failed`. */
export type FailedCode = "STACK_FAILED" | "STACK_STALLED" | "STACK_OVERDUE" | "STACK_BROKEN";

/**
 * Evaluates a stack at a place of a release: the one answer of rows, gates, undo and board. A failure that a person has
 * acknowledged counts as before. What a stack does about its failure by itself is awaited. Pure.
 */
export function evaluateStanding(stack: Stack, place: RestingPlace): Standing {
  const health = evaluateHealth(stack);
  const trouble = findTrouble(stack, health, place);
  if (trouble !== undefined) return { kind: "failed", ...trouble };
  if (!health.isAtRest) return { kind: "moving" };
  return { kind: place.until.length === 0 || place.until.includes(stack.state) ? "arrived" : "elsewhere" };
}

interface Trouble {
  readonly code: FailedCode;
  readonly message: string;
}

function findTrouble(stack: Stack, health: StackHealth, { failed }: RestingPlace): Trouble | undefined {
  const { state, stalled } = stack;
  const [failure] = health.isAtRest ? listOpenFailures(stack) : [];
  const why = failure === undefined ? "" : formatFailure(failure);
  if (stalled !== undefined) return { code: "STACK_STALLED", message: `${stalled.code}: ${stalled.reason}` };
  if (failed.includes(state)) return { code: "STACK_BROKEN", message: `The stack is in ${state}. ${why}`.trim() };
  if (why !== "") return { code: "STACK_FAILED", message: why };
  if (!health.overdue) return undefined;
  const late = stack.overdue === true ? `The time of ${state} is over.` : `A timer of ${state} was given up.`;
  return { code: "STACK_OVERDUE", message: late };
}

function formatFailure({ task, state, code, message }: OpenFailure): string {
  const what = [code, message].filter((part) => part !== undefined).join(": ");
  return `${task} has failed in ${state}. ${what}`.trim();
}
