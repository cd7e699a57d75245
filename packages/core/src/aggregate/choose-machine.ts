import { type MoveFault, moveStack } from "../machine/decide/move-stack.ts";
import { type StackEvent, SYSTEM_EVENTS } from "../machine/event-message.ts";
import { type Machine, NEXT } from "../machine/machine.ts";
import { toShellCommand } from "../machine/shell-command.ts";
import type { FoundMachine, MissingMachine, WantedMachine } from "./stack-input.ts";

/** The newest revision of a machine, or why it cannot be used. */
export type NewestMachine =
  | {
      readonly kind: "found";
      readonly machine: Machine;
      /** It was stored before the stack's own: another server reads a newer document, or the document went back. */
      readonly isEarlier?: boolean;
      /** A revision that was stored later declares the event. */
      readonly isDeclaredLater?: boolean;
    }
  | { readonly kind: "unusable"; readonly code: "MACHINE_UNKNOWN" | "MACHINE_INVALID"; readonly reason: string };

/**
 * Chooses the revision that an event is decided on: the stack's own where that is pinned; else the newest, unless it cannot
 * be used, is earlier than the stack's own, or the stack may not move to it yet. `newest` may be missing for a pinned
 * stack, where it only improves a reason.
 */
export function chooseMachine(
  own: Machine | undefined,
  newest: NewestMachine | undefined,
  wanted: Pick<WantedMachine, "stack" | "event">,
): FoundMachine {
  const { stack, event } = wanted;
  if (own?.revision === "pin") return choosePinned(own, newest, event);
  if (newest === undefined) throw new TypeError("A stack that is not pinned needs the newest revision.");
  if (newest.kind === "unusable") return own === undefined ? toMissing(newest) : toHeld(own, newest, { event });
  const { machine } = newest;
  if (stack === undefined || machine.hash === stack.machineHash) return withLater(machine, newest, event);
  if (newest.isEarlier && own !== undefined) return withLater(own, newest, event);
  const move = moveStack(machine, stack, event.at);
  if (move.kind === "moved") return withLater(machine, newest, event);
  if (own !== undefined) return toHeld(own, newest, { event, fault: move.fault });
  // A row that was taken over has lost no revision: the decision says why it does not move.
  if (stack.machineHash === "") return toFound(machine);
  return toMissing({ code: "MACHINE_INVALID", reason: move.fault.reason });
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

function toFound(machine: Machine): Extract<FoundMachine, { kind: "found" }> {
  return { kind: "found", machine, notes: [] };
}

function toMissing({ code, reason }: Pick<MissingMachine, "code" | "reason">): FoundMachine {
  return { kind: "missing", code, reason };
}

/** Returns a revision, and that an event is kept which only a later one declares. */
function withLater(machine: Machine, { isDeclaredLater }: UsableMachine, { name }: StackEvent): FoundMachine {
  if (isDeclaredLater !== true) return toFound(machine);
  const reason = `This revision declares no event "${name}"; one that was stored later does. The event waits for a server with that document.`;
  return { ...toFound(machine), undeclared: { code: "EVENT_NOT_HANDLED", reason } };
}

type UsableMachine = Extract<NewestMachine, { kind: "found" }>;

/** Returns the stack's own revision, with the reason why the stack does not move to the newest one. */
function toHeld(
  own: Machine,
  newest: NewestMachine,
  { event, fault }: { readonly event: StackEvent; readonly fault?: MoveFault },
): FoundMachine {
  if (newest.kind === "unusable") {
    const { code, reason } = newest;
    return { ...toFound(own), heldBack: { code, reason }, undeclared: { code, reason } };
  }
  const { machine } = newest;
  const found = { ...toFound(own), ...(fault && { heldBack: { ...fault, revision: machine.hash } }) };
  if (!machine.events.has(event.name) && newest.isDeclaredLater !== true) return found;
  const reason = `The stack's revision declares no event "${event.name}"; a newer one does. The stack does not move to it yet: ${fault?.reason ?? ""}`;
  return { ...found, undeclared: { code: "EVENT_NOT_HANDLED", reason } };
}
