import { type Invariant, keyIn } from "./invariant.ts";

/** A timer's event id names its stack's life, entry and place. */
export const timersOnce: Invariant = {
  name: "timers-once",
  promise: "A timer fires once an entry, and only while its stack is in that entry.",
  create(tell) {
    const fired = new Set<string>();
    return {
      onCommitted({ change }) {
        for (const { stackId, eventId } of change.history) {
          if (!eventId.startsWith("timer:")) continue;
          const key = keyIn(stackId, eventId);
          if (fired.has(key)) tell(`${stackId}: ${eventId} has fired twice.`);
          fired.add(key);
        }
      },
    };
  },
};
