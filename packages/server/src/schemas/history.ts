import { type SetAsideEvent as SetAside, type StoredHistoryEntry, toPrinted } from "@stackyard/core/engine";
import { type Static, Type } from "typebox";
import { Instant, toInstant } from "./common.ts";

/** What became of an event. */
export const Outcome = Type.Enum(["applied", "removed", "parked", "refused", "set-aside", "ignored"]);

/** One line of the yard's history. */
export const HistoryEntry = Type.Object({
  position: Type.Integer({ description: "Grows over the yard; gaps are possible." }),
  stackId: Type.String(),
  at: Instant,
  eventId: Type.String(),
  internal: Type.Optional(
    Type.Literal(true, {
      description: "A worker, a timer or a deadline brought it: no sender's event with the same id.",
    }),
  ),
  event: Type.String(),
  outcome: Outcome,
  life: Type.Optional(Type.String()),
  actor: Type.Optional(Type.String()),
  code: Type.Optional(
    Type.String({ description: "Why it was not applied; of an applied TASK_ERROR: the code of the task's failure." }),
  ),
  reason: Type.Optional(Type.String()),
  from: Type.Optional(Type.String({ description: "The state before." })),
  to: Type.Optional(Type.String({ description: "The state after." })),
  task: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  metadata: Type.Optional(Type.Unknown({ description: "What the event brought; sensitive values as `***`." })),
  outputs: Type.Optional(Type.Unknown({ description: "What a task gave, in stacks of version 2." })),
  retryable: Type.Optional(Type.Boolean({ description: "Of a failed task: another attempt may help." })),
  dispatchId: Type.Optional(Type.String({ description: "The attempt that an answer from outside named." })),
  timer: Type.Optional(Type.String({ description: "The timer that has brought the event." })),
  confirmed: Type.Optional(Type.Literal(true, { description: "The sender confirmed the stack's id." })),
  sent: Type.Array(Type.String(), { description: "Tasks that were sent." }),
  notes: Type.Array(Type.String()),
  machineHash: Type.Optional(Type.String()),
});
export type HistoryEntry = Static<typeof HistoryEntry>;

/** An event that was given up, until somebody sends it again or it is too old. */
export const SetAsideEvent = Type.Object({
  id: Type.String({ description: "Of this entry; `redrive` takes it." }),
  eventId: Type.String(),
  stackId: Type.String(),
  event: Type.Optional(Type.String()),
  actor: Type.Optional(Type.String()),
  code: Type.String(),
  reason: Type.String(),
  receivedAt: Instant,
  setAsideAt: Instant,
  message: Type.Record(Type.String(), Type.Unknown(), {
    description: "As received, without its envelope; sensitive values as `***`.",
  }),
});
export type SetAsideEvent = Static<typeof SetAsideEvent>;

/** A line of the history as the API shows it. */
export function toHistoryEntry(stored: StoredHistoryEntry): HistoryEntry {
  const entry = toPrinted.entry(stored);
  return { ...entry, at: toInstant(entry.at), sent: [...entry.sent], notes: [...entry.notes] };
}

/** A set-aside event as the API shows it. */
export function toSetAside(setAside: SetAside): SetAsideEvent {
  const { id, event, code, reason, setAsideAt } = setAside;
  const name = event.message["event"] ?? event.message["action"];
  return {
    id,
    code,
    reason,
    eventId: event.id,
    stackId: event.stackId,
    ...(typeof name === "string" ? { event: name } : {}),
    ...(event.actor === undefined ? {} : { actor: event.actor }),
    receivedAt: toInstant(event.receivedAt),
    setAsideAt: toInstant(setAsideAt),
    message: { ...toPrinted.message(setAside) },
  };
}

/** Lines of the history in a list. */
export const historyItem = {
  toView: toHistoryEntry,
  toId: ({ position }: StoredHistoryEntry) => String(position),
};
