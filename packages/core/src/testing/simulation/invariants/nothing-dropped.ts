import type { QueuedEvent } from "../../../ports/stack-store.ts";
import { type Invariant, keyIn } from "./invariant.ts";

/** Every event that was accepted has a line in its stack's history before the queue lets it go. */
export const nothingDropped: Invariant = {
  name: "nothing-dropped",
  promise: "No event is dropped without a word, and a parked one ends as applied, refused or set aside.",
  create(tell) {
    const owed = new Map<string, string>();
    const met = new Set<string>();
    const parked = new Map<string, string>();
    const owe = ({ stackId, id }: QueuedEvent) => owed.set(keyIn(stackId, id), `${stackId}: ${id}`);
    return {
      onSent(events) {
        for (const event of events) owe(event);
      },
      onSettled: (_grant, { event }) => void owe(event),
      onCommitted({ change }) {
        for (const { stackId, eventId, outcome } of change.history) {
          const key = keyIn(stackId, eventId);
          met.add(key);
          if (outcome === "parked") parked.set(key, `${stackId}: ${eventId}`);
          else parked.delete(key);
        }
      },
      onAcknowledged(events) {
        for (const { stackId, id } of events) {
          if (!met.has(keyIn(stackId, id))) tell(`${stackId}: ${id} has left the queue without a word.`);
        }
      },
      async onRest(store) {
        for (const [key, what] of owed) if (!met.has(key)) tell(`${what} was never worked.`);
        for (const what of parked.values()) tell(`${what} was parked and forgotten.`);
        const { queuedEvents, parkedEvents } = await store.stats();
        if (queuedEvents > 0) tell(`${queuedEvents} event(s) stay in the queue.`);
        if (parkedEvents > 0) tell(`${parkedEvents} event(s) stay parked.`);
      },
    };
  },
};
