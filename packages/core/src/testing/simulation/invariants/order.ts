import type { QueuedEvent } from "../../../ports/stack-store.ts";
import { type Invariant, keyOfEvent, keyOfLine } from "./invariant.ts";

/** Events of a stack are met in the order in which they were sent; one that was parked was met. */
export const order: Invariant = {
  name: "order",
  promise: "Events of one stack are worked in the order in which they were sent.",
  create(tell) {
    const places = new Map<string, number>();
    const met = new Set<string>();
    const last = new Map<string, number>();
    let sent = 0;
    return {
      onSent(events) {
        for (const event of events) {
          sent += 1;
          const key = keyOfEvent(event);
          if (!places.has(key)) places.set(key, sent);
        }
      },
      onCommitted({ change }) {
        for (const line of change.history) {
          const { stackId, eventId } = line;
          const key = keyOfLine(line);
          const place = places.get(key);
          if (place === undefined || met.has(key)) continue;
          met.add(key);
          const before = last.get(stackId) ?? 0;
          if (place < before) tell(`${stackId}: ${eventId} was worked after an event that was sent later.`);
          last.set(stackId, Math.max(place, before));
        }
      },
    };
  },
};

/** A result that is applied at once does not overtake what waits for its stack. */
export const resultsInTurn: Invariant = {
  name: "results-in-turn",
  promise: "A result is applied after the events of its stack that were queued before it.",
  create(tell) {
    const queued = new Map<string, QueuedEvent>();
    return {
      onQueued(events) {
        for (const event of events) queued.set(keyOfEvent(event), event);
      },
      onRedriven(events) {
        for (const event of events) queued.delete(keyOfEvent(event));
      },
      onAcknowledged(events) {
        for (const event of events) queued.delete(keyOfEvent(event));
      },
      onResultsApplied({ stackId, results = [] }) {
        const waiting = [...queued.values()].find((event) => event.stackId === stackId);
        const ids = results.map(({ grant }) => grant.attemptId).join(", ");
        if (waiting !== undefined) tell(`${stackId}: the result of ${ids} was applied while ${waiting.id} was queued.`);
      },
    };
  },
};
