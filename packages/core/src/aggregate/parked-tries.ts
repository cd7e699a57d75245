import { type StackEvent, toEventKey, toEventName } from "../machine/event-message.ts";
import type { Stack } from "../machine/stack.ts";
import type { ParkedEvent, ParkedHead } from "../ports/stack-store.ts";
import type { FoundMachine, WantedMachine } from "./stack-input.ts";

/** The rows that must be loaded before inputs can be decided: a machine, what is left of a stack, or parked events by their keys, first those needed first. */
type Missing =
  /** `isForced`: the stack is removed whatever is left. */
  | { readonly kind: "left"; readonly machine: string; readonly isForced: boolean }
  | { readonly kind: "machine"; readonly wanted: WantedMachine }
  | { readonly kind: "parked"; readonly keys: readonly string[] };

/** The answer of a step that lacks something. Its caller returns it: nothing of the unit of work is kept. */
export interface Needs {
  readonly kind: "needs";
  readonly missing: Missing;
}

/** Distinguishes it from any other answer of a step. */
export function isNeeds(answer: unknown): answer is Needs {
  return typeof answer === "object" && answer !== null && "kind" in answer && answer.kind === "needs";
}

/** The parked events of a unit of work: their heads, and those that are loaded. */
interface ParkedEvents {
  readonly parked: ReadonlyMap<string, ParkedHead>;
  readonly parkedEvents: ReadonlyMap<string, ParkedEvent>;
}

/** Returns a parked event with its message. When it is not loaded, requests it and the next ones. */
export function requireParked(
  { parkedEvents }: ParkedEvents,
  head: ParkedHead,
  next: () => readonly ParkedHead[] = () => [],
): ParkedEvent | Needs {
  const key = toEventKey(head.event);
  const known = parkedEvents.get(key);
  // A head may have changed since in this unit of work; the message has not.
  if (known !== undefined) return { ...head, event: { ...head.event, message: known.event.message } };
  const others = next().map(({ event }) => toEventKey(event));
  const keys = [...new Set([key, ...others])].filter((each) => !parkedEvents.has(each));
  return { kind: "needs", missing: { kind: "parked", keys } };
}

/** Orders parked events as they are tried: the oldest first. */
export function compareAge(a: ParkedHead, b: ParkedHead): number {
  return a.parkedAt - b.parkedAt || (a.order ?? 0) - (b.order ?? 0);
}

/**
 * Returns true when an event is refused again because the stack's state does not handle it either, which its name and
 * the machine show: its message, which may be large, is not loaded. `find`: returns the machine of the next decision. The
 * tries that are due by time, and those after a new revision, decide every event.
 */
export function isSurelyRefused(
  { event, code }: ParkedHead,
  stack: Stack | undefined,
  find: (wanted: WantedMachine) => FoundMachine | { readonly error: unknown } | Needs,
): boolean | Needs {
  const { id, stackId, message, origin } = event;
  const name = toEventName(message);
  if (code !== "EVENT_NOT_HANDLED" || stack === undefined || name === undefined || origin !== "external") return false;
  const owners = [event.machine, message.machine];
  if (owners.some((owner) => owner !== undefined && owner !== stack.machine)) return false;
  const asked: StackEvent = { id, stackId, name, origin, at: 0 };
  const found = find({ name: stack.machine, stack, event: asked });
  if (isNeeds(found)) return found;
  if ("error" in found || found.kind !== "found" || found.undeclared !== undefined) return false;
  const { events, states } = found.machine;
  const state = states.get(stack.state);
  return events.has(name) && state !== undefined && !state.on.has(name);
}
