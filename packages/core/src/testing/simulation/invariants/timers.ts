import type { HistoryEntry } from "../../../ports/stack-store.ts";
import { type CommittedChange, type Invariant, keyIn } from "./invariant.ts";

/** A timer's event id names its stack's life, entry and place. */
export const timersOnce: Invariant = {
  name: "timers-once",
  promise: "A timer fires once an entry, and only while its stack is in that entry.",
  create(tell) {
    const fired = new Set<string>();
    return {
      onCommitted(committed) {
        for (const { line, entry } of listLate(committed)) {
          tell(`${line.stackId}: ${line.eventId} has fired in entry ${entry}.`);
        }
        for (const { stackId, eventId, internal } of committed.change.history) {
          if (!internal || !eventId.startsWith("timer:")) continue;
          const key = keyIn(stackId, eventId);
          if (fired.has(key)) tell(`${stackId}: ${eventId} has fired twice.`);
          fired.add(key);
        }
      },
    };
  },
};

interface Late {
  readonly line: HistoryEntry;
  /** The stack had come at least so far. */
  readonly entry: number;
}

/** Timers that were applied although the stack had left their entry, before the change or by an earlier line of it. */
function listLate({ change, before }: CommittedChange): readonly Late[] {
  const late: Late[] = [];
  let entry = before?.entry ?? 0;
  for (const line of change.history) {
    if (line.outcome === "removed") entry = 0;
    if (line.outcome !== "applied") continue;
    // One that was set aside and is sent again names no timer: a person wants it now.
    if (line.timer !== undefined && Number.parseInt(line.timer, 10) < entry) late.push({ line, entry });
    if (line.from !== undefined && line.from !== line.to) entry += 1;
  }
  return late;
}
