import { type AuditEntry, toBoundedEntry } from "../access/audit-entry.ts";
import { isInternalMachine } from "../access/decide-event.ts";
import type { Sender, SenderKind } from "../access/sender.ts";
import { OPERATORS_EVENTS } from "../machine/decide/decision.ts";
import { quote } from "../machine/document/wording.ts";
import { SETTLED_APPROVAL } from "../machine/event-message.ts";
import { defined } from "../machine/json.ts";
import type { Machine } from "../machine/machine.ts";
import type { Stack } from "../machine/stack.ts";
import type { HistoryEntry } from "../ports/stack-store.ts";

/** The data that a commit records about an event. */
export interface RecordedEvent {
  readonly entry: HistoryEntry;
  readonly sender: Sender | undefined;
  /** The machine of the decision; undefined when none was needed or found. */
  readonly machine?: Machine | undefined;
  /** The action in the audit log. Default: that of the event's name. */
  readonly action?: string | undefined;
}

/**
 * Returns true for operators' events, for events whose senders the machine restricts, for all that people or assistants send, for
 * events that were not allowed, and for those of jobs. False for an event that will be decided again, because it is
 * audited then, and for a repeated delivery.
 */
export function isAudited({ entry, sender, machine }: RecordedEvent): boolean {
  const { internal, release, event, outcome, code } = entry;
  if ((internal && release === undefined) || outcome === "parked" || (outcome === "ignored" && code === "DUPLICATE"))
    return false;
  if (sender?.kind === "person" || sender?.kind === "local" || sender?.channel !== undefined) return true;
  if (OPERATORS_EVENTS.has(event)) return true;
  return code === "NOT_ALLOWED" || isInternalMachine(machine?.name) || machine?.allow.has(event) === true;
}

/** Returns the sender of an event whose sender is not verified. The name is the one in the message. */
function toUnverified(name = "anonymous"): Sender {
  return { kind: "anonymous", id: "", name, groups: [] };
}

/** Returns the entry of an event in the audit log. */
export function toAuditEntry(
  { entry, sender, machine, action = toAction(entry.event) }: RecordedEvent,
  id: string,
  stack: Stack | undefined,
): AuditEntry {
  const { at, outcome: became, code, reason, stackId, eventId, task, actor } = entry;
  const isDone = became === "applied" || became === "removed";
  return toBoundedEntry({
    id,
    at,
    action,
    outcome: isDone ? "done" : code === "NOT_ALLOWED" ? "denied" : "failed",
    who: sender ?? toUnverified(actor),
    via: sender?.channel ?? (sender?.through === undefined ? VIA[sender?.kind ?? "aws"] : "host"),
    on: defined({ machine: machine?.name ?? stack?.machine, stackId, eventId, task }),
    ...defined({ code, reason }),
  });
}

/** Names that machines declare; of the names of actions, only those of operators' events look so. */
const DECLARED = /^[A-Z0-9][A-Z0-9_-]*$/;

/** Returns the action of an event. A sender may choose any name, such as `login`: it is quoted, and represents no other action. */
function toAction(event: string): string {
  return DECLARED.test(event) && event !== SETTLED_APPROVAL ? event : `event ${quote(event)}`;
}

/** The way in of a sender of each kind. Events without a verified sender come over a queue. */
const VIA = {
  person: "api",
  token: "api",
  workload: "api",
  local: "api",
  anonymous: "api",
  host: "host",
  aws: "queue",
  stack: "release",
} as const satisfies Record<SenderKind, string>;
