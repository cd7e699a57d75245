import type { HistoryEntry } from "@stackyard/sdk";

/** The words for what tasks report and timers send. */
const TASK_WORDS: Readonly<Record<string, string>> = {
  TASK_COMPLETED: "succeeded",
  TASK_ERROR: "failed",
  TASK_CANCELLED: "was cancelled",
  TASK_RETRY_DUE: "is tried again",
};

/** The words for an event that a stack did not apply. */
const OUTCOME_WORDS: Readonly<Record<string, string>> = {
  parked: "parked",
  refused: "refused",
  ignored: "ignored",
  "dead-lettered": "dead-lettered",
  removed: "was removed after",
};

type Line = Pick<HistoryEntry, "event" | "task" | "outcome" | "from" | "to">;

/** Formats what happened to a stack, to be read after its name: `entered LIVE after PUSHED`, `migrate failed`. */
export function formatEntry({ event, task, outcome, from, to }: Line): string {
  const word = task === undefined || !Object.hasOwn(TASK_WORDS, event) ? undefined : TASK_WORDS[event];
  const what = word === undefined ? [event, task].filter(Boolean).join(" of ") : `${task} ${word}`;
  const done = OUTCOME_WORDS[outcome];
  if (done !== undefined) return `${done} ${word === undefined ? what : `“${what}”`}`;
  const entered = to === undefined || to === from ? undefined : `entered ${to}`;
  if (word !== undefined) return entered === undefined ? what : `${entered}: ${what}`;
  return entered === undefined ? `received ${what}` : `${entered} after ${what}`;
}
