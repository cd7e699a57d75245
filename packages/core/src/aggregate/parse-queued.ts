import {
  type EventOrigin,
  type ParsedEvent,
  parseEventMessage,
  type StackEvent,
  SYSTEM_EVENTS,
} from "../machine/event-message.ts";
import { defined } from "../machine/json.ts";
import { type Absence, sumUnwatched } from "../machine/watched-time.ts";
import { findUnreadable } from "../ports/queued-event.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import type { Round } from "./round.ts";

/** The options of reading queued events. */
export interface ReadOptions {
  /** Reads a queued event instead of its message. A replay has the events, and no messages. */
  readonly readEvent?: (queued: QueuedEvent) => StackEvent | undefined;
  /** When the yard was away. Default: it was not. */
  readonly absences?: readonly Absence[] | undefined;
  /** Accepts an external `NEXT`. */
  readonly allowExternalNext: boolean;
}

/** Reads a queued event: that of its message, under the id of the queue. */
export function parseQueued(options: ReadOptions, round: Round, queued: QueuedEvent): ParsedEvent {
  const parsed = parseMessage(options, round, queued);
  const { stack } = round;
  const isOfAnother = queued.machine !== undefined && stack !== undefined && stack.machine !== queued.machine;
  if (parsed.kind === "invalid" || !isOfAnother || queued.origin !== "external") return parsed;
  // Refused as an event that names this machine, although it names none: it was not meant for the present stack.
  return { kind: "event", event: { ...parsed.event, machine: queued.machine } };
}

function parseMessage(options: ReadOptions, round: Round, queued: QueuedEvent): ParsedEvent {
  const read = options.readEvent?.(queued);
  if (read !== undefined) return { kind: "event", event: read };
  const unreadable = findUnreadable(queued.message);
  if (unreadable !== undefined) return { kind: "invalid", code: "EVENT_INVALID", reason: unreadable };
  const parsed = parseEventMessage(queued.message, {
    // An attempt's id, and so the id of its result, may be longer than senders may make theirs.
    messageId: queued.origin === "worker" ? "worker" : queued.id,
    at: round.now,
    origin: originOf(queued),
    allowExternalNext: options.allowExternalNext,
    ...defined({ actor: queued.actor, sender: queued.sender, own: queued.own, release: queued.release }),
  });
  if (parsed.kind === "invalid") return parsed;
  const { stackId } = parsed.event;
  if (stackId !== round.loaded.stackId) {
    const reason = `The message names the stack "${stackId}" and was queued for "${round.loaded.stackId}".`;
    return { kind: "invalid", code: "EVENT_INVALID", reason };
  }
  // The queue's id counts: the body's own may have been cut or made by the receiver.
  const { id, timerId, raised } = queued;
  const unwatchedMs = toUnwatchedMs(options, round, parsed.event);
  return { kind: "event", event: { ...parsed.event, id, ...defined({ timerId, unwatchedMs, raised }) } };
}

function toUnwatchedMs({ absences = [] }: ReadOptions, { stack, now }: Round, { name, task }: StackEvent) {
  if (name !== SYSTEM_EVENTS.taskTimedOut || absences.length === 0) return undefined;
  const since = stack?.approvals?.[task?.name ?? ""]?.askedAt ?? now;
  return sumUnwatched(absences, { since, now }) || undefined;
}

function originOf({ origin, timerId, raised }: QueuedEvent): EventOrigin {
  if (timerId !== undefined) return "timer";
  return raised === undefined ? origin : "engine";
}
