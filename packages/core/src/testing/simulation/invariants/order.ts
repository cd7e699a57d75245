import { type Invariant, keyIn } from "./invariant.ts";

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
        for (const { stackId, id } of events) {
          sent += 1;
          const key = keyIn(stackId, id);
          if (!places.has(key)) places.set(key, sent);
        }
      },
      onCommitted({ change }) {
        for (const { stackId, eventId } of change.history) {
          const key = keyIn(stackId, eventId);
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
