import { parseAttemptId } from "../../../machine/decide/attempt-id.ts";
import type { Stack } from "../../../machine/stack.ts";
import type { HistoryEntry } from "../../../ports/stack-store.ts";
import type { Invariant } from "./invariant.ts";

/** Answers of runs that the stack has left, and events that were refused, change no status. */
export const lateResults: Invariant = {
  name: "late-results",
  promise: "A late or duplicate result, or a refused event, changes nothing that it should not.",
  create(tell) {
    return {
      onCommitted({ change, before, after }) {
        const { stackId, history } = change;
        if (before === undefined) return;
        const idle = history.every((line) => isWithoutEffect(line, before));
        if (!idle || toVisible(before) === toVisible(after)) return;
        const told = history.map(({ eventId, outcome }) => `${eventId} ${outcome}`).join(", ");
        tell(`${stackId}: what had no effect has changed the stack: ${told}.`);
      },
    };
  },
};

/**
 * What only closes a run, or nothing at all. An entry of which nothing was sent yet may have waited for that very run:
 * then its tasks start with its end.
 */
function isWithoutEffect({ eventId, outcome }: HistoryEntry, before: Stack): boolean {
  if (outcome === "removed") return false;
  if (outcome !== "applied") return true;
  if (Object.keys(before.attempts).length === 0) return false;
  const attempt = parseAttemptId(RESULT_ID.exec(eventId)?.[1] ?? "");
  return attempt !== undefined && attempt.life === before.life && attempt.entry < before.entry;
}

const RESULT_ID = /^(?:result|cancelled|deadline|cancel):(.*)$/s;

function toVisible(stack: Stack | undefined): string {
  if (stack === undefined) return "";
  const { state, entry, tasks, metadata } = stack;
  return JSON.stringify([state, entry, tasks, metadata]);
}
