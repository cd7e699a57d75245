import type { Decision } from "../machine/decision.ts";
import { type StackEvent, SYSTEM_EVENTS } from "../machine/event.ts";
import type { Stack } from "../machine/stack.ts";
import type { HistoryEntry, Outcome, QueuedEvent } from "../ports/stack-store.ts";
import { defined } from "./defined.ts";

/** What a history line is made of. */
export interface HistoryLineInput {
  readonly event: StackEvent;
  readonly decision: Decision;
  readonly outcome: Outcome;
  readonly before: Stack | undefined;
  /** About the machine, such as that an older revision was used. */
  readonly notes: readonly string[];
}

/** The history line of a decision. */
export function toHistoryEntry({ event, decision, outcome, before, notes }: HistoryLineInput): HistoryEntry {
  const after = decision.kind === "applied" ? decision.stack : before;
  return {
    stackId: event.stackId,
    at: event.at,
    eventId: event.id,
    event: event.name,
    outcome,
    sent: decision.kind === "applied" ? decision.dispatches.map(({ task }) => task) : [],
    notes: decision.kind === "applied" ? [...notes, ...decision.notes] : notes,
    ...defined({
      life: after?.life,
      actor: event.actor,
      code: decision.kind === "applied" ? toFailureCode(event) : decision.code,
      reason: decision.kind === "applied" ? event.reason : decision.reason,
      from: before?.state,
      to: after?.state,
      task: event.task?.name,
      description: event.description,
      metadata: event.metadata,
      machineHash: after?.machineHash,
    }),
  };
}

function toFailureCode({ name, code }: StackEvent): string | undefined {
  return name === SYSTEM_EVENTS.taskError ? code : undefined;
}

/** The history line of an event that no decision was made on: its message is none, or deciding failed. */
export function toUnreadEntry(
  { stackId, id, actor, message }: QueuedEvent,
  why: { readonly code: string; readonly reason: string; readonly outcome: Outcome; readonly at: number },
): HistoryEntry {
  const { at, outcome, code, reason } = why;
  const name = message["event"] ?? message["action"];
  const event = typeof name === "string" ? name : "";
  return { stackId, at, eventId: id, event, outcome, code, reason, sent: [], notes: [], ...defined({ actor }) };
}
