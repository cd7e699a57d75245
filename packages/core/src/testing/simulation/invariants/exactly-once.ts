import { type Invariant, keyOfLine } from "./invariant.ts";

/** An event id is applied once. */
export const exactlyOnce: Invariant = {
  name: "exactly-once",
  promise: "An event is applied at most once, whoever delivers it how often.",
  create(tell) {
    const applied = new Set<string>();
    return {
      onCommitted({ change }) {
        for (const line of change.history) {
          const { stackId, eventId, outcome } = line;
          if (outcome !== "applied" && outcome !== "removed") continue;
          const key = keyOfLine(line);
          if (applied.has(key)) tell(`${stackId}: ${eventId} was applied twice.`);
          applied.add(key);
        }
      },
    };
  },
};
