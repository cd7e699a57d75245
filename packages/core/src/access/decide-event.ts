import { defined } from "../machine/json.ts";
import { JOB_MACHINE } from "../machine/machine.ts";
import { formatClosed, isOpen } from "./channel.ts";
import { type AccessDecision, decideAccess, findDelegate, type Rights } from "./decide-access.ts";
import { type Permission, permissionOfEvent } from "./permissions.ts";
import type { Channel } from "./sender.ts";

/** An event of a sender, as far as permissions depend on it. */
export interface SentEvent {
  readonly name: string;
  readonly stackId: string;
  /** The machine of the stack; of a stack that does not exist, the machine that the event names. */
  readonly machine?: string | undefined;
  /** See `QueuedEvent.own`. */
  readonly own?: boolean | undefined;
  /** True of a result if `allow` of its task names the sender, who then needs no more than `send`. See `mayAnswer`. */
  readonly isNamed?: boolean | undefined;
  /** See `Sender.channel`. */
  readonly channel?: Channel | undefined;
}

/**
 * `denied`: the sender lacks the permission there. `closed`: nothing that comes over the sender's channel has it. `internal`: no
 * sender may send it to this machine.
 */
export type EventDecision =
  | { readonly kind: "allowed" }
  | {
      readonly kind: "denied";
      readonly permission: Permission;
      readonly access: Exclude<AccessDecision, "allowed">;
      /** See `findDelegate`. */
      readonly delegate?: string;
    }
  | { readonly kind: "closed"; readonly permission: Permission; readonly reason: string }
  | { readonly kind: "internal"; readonly reason: string };

/** Machines of the yard itself. Operations of the yard send their events; no message does. */
const INTERNAL_MACHINES: ReadonlySet<string> = new Set([JOB_MACHINE]);

/**
 * Events that services of a yard may send for users of other systems, such as code hosts: what operators may. Approvals of
 * people whom the yard knows go another way.
 */
export const SERVICE_RIGHTS: Rights = [{ permissions: new Set(["send", "operate"]) }];

/** Returns true for a machine that users neither write nor send events to. */
export function isInternalMachine(machine: string | undefined): boolean {
  return machine !== undefined && INTERNAL_MACHINES.has(machine);
}

/**
 * Decides whether an event may be sent to a stack. Every way by which events come in calls it, and the engine calls it
 * again when it knows the stack. Without rights: the sender has none that the yard knows, because the policy of a queue
 * has let it send, or because its rights were checked before.
 */
export function decideEvent(event: SentEvent, rights?: Rights): EventDecision {
  const { name, machine, own, channel } = event;
  const permission = permissionOfEvent(name);
  if (channel !== undefined && !isOpen(channel, permission)) {
    return { kind: "closed", permission, reason: formatClosed(channel, permission) };
  }
  const denied = rights === undefined ? undefined : findDenial(event, rights);
  if (denied !== undefined) return denied;
  if (own === true || !isInternalMachine(machine)) return { kind: "allowed" };
  const advice = "Start, cancel and retry jobs at /v1/jobs.";
  return { kind: "internal", reason: `The machine "${machine}" is internal and accepts no events. ${advice}` };
}

/** Returns why a service may not send an event. */
export function formatServiceDenial(name: string, decision: Exclude<EventDecision, { kind: "allowed" }>): string {
  if (decision.kind !== "denied") return decision.reason;
  return `"${name}" needs the permission "${decision.permission}", which services and mappings do not have.`;
}

function findDenial({ name, stackId, machine, isNamed }: SentEvent, rights: Rights): EventDecision | undefined {
  const subject = { kind: "stack", stackId, ...(machine !== undefined && { machine }) } as const;
  const permission = permissionOfEvent(name);
  const access = decideAccess(rights, permission, subject);
  if (access === "allowed") return undefined;
  // Who may settle a task may also send its result, and so may those whom the task names.
  const others: readonly Permission[] =
    permission === "results" ? ["repair", ...(isNamed ? ["send" as const] : [])] : [];
  const isOther = others.some((each) => decideAccess(rights, each, subject) === "allowed");
  if (isOther) return undefined;
  return { kind: "denied", permission, access, ...defined({ delegate: findDelegate(rights, permission, subject) }) };
}
