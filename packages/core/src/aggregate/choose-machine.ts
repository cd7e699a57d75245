import { type StackEvent, SYSTEM_EVENTS } from "../machine/event-message.ts";
import { type Machine, NEXT } from "../machine/machine.ts";
import { toShellCommand } from "../machine/shell-command.ts";
import type { FoundMachine, WantedMachine } from "./stack-input.ts";

/** The newest revision of a machine, or why it cannot be used. */
type NewestMachine =
  | { readonly kind: "found"; readonly machine: Machine }
  | { readonly kind: "invalid"; readonly reason: string };

/**
 * Chooses the revision that an event is decided on: the stack's own where that is pinned; else the newest, unless it
 * has errors or lacks the stack's state. `newest` may be missing for a pinned stack, where it only improves a reason.
 */
export function chooseMachine(
  own: Machine | undefined,
  newest: NewestMachine | undefined,
  { stack, event }: Pick<WantedMachine, "stack" | "event">,
): FoundMachine {
  if (own?.revision === "pin") return choosePinned(own, newest, event);
  if (newest === undefined) throw new TypeError("A stack that is not pinned needs the newest revision.");
  const hasState = newest.kind === "found" && (stack === undefined || newest.machine.states.has(stack.state));
  if (own !== undefined && !hasState) return toFallback(own, newest, stack?.state ?? "", event);
  if (newest.kind === "found") return { kind: "found", machine: newest.machine, notes: [] };
  return { kind: "missing", code: "MACHINE_INVALID", reason: newest.reason };
}

/** Returns true for an event from outside that the machine does not declare; a newer revision may. */
export function mayBeUndeclared(machine: Machine, event: StackEvent): boolean {
  return event.origin === "external" && !SYSTEM_NAMES.has(event.name) && !machine.events.has(event.name);
}

const SYSTEM_NAMES: ReadonlySet<string> = new Set([NEXT, ...Object.values(SYSTEM_EVENTS)]);

/**
 * Returns the revision that the stack keeps. When it does not declare the event but the newest one does, adds a reason
 * that suggests the upgrade.
 */
function choosePinned(own: Machine, newest: NewestMachine | undefined, event: StackEvent): FoundMachine {
  const found = { kind: "found", machine: own, notes: [] } as const;
  if (!mayBeUndeclared(own, event)) return found;
  if (newest?.kind !== "found" || !newest.machine.events.has(event.name)) return found;
  const reason = `The stack keeps revision ${own.hash.slice(0, 12)}, which declares no event "${event.name}"; the newest one does. Move it there with \`${toShellCommand`stackyard stacks upgrade ${event.stackId}`}\`, then send the event again.`;
  return { ...found, undeclared: { code: "EVENT_UNDECLARED", reason } };
}

function toFallback(own: Machine, newest: NewestMachine, state: string, event: StackEvent): FoundMachine {
  const why = newest.kind === "invalid" ? "is invalid" : `has no state "${state}"`;
  const note = `The newest revision of the machine ${why}; decided on the stack's last one.`;
  const found = { kind: "found", machine: own, notes: [note] } as const;
  if (newest.kind === "invalid") {
    return { ...found, undeclared: { code: "MACHINE_INVALID", reason: newest.reason } };
  }
  if (!newest.machine.events.has(event.name)) return found;
  const reason = `The stack's revision declares no event "${event.name}"; the newest one does and has no state "${state}".`;
  return { ...found, undeclared: { code: "EVENT_NOT_HANDLED", reason } };
}
