import { type AttemptParts, parseAttemptId } from "../../../machine/event-message.ts";
import type { Stack } from "../../../machine/stack.ts";
import type { HistoryEntry } from "../../../ports/stack-store.ts";
import type { Invariant } from "./invariant.ts";

/** Answers of runs that were left, or of attempts before one that was answered, and what was refused change no status. */
export const lateResults: Invariant = {
  name: "late-results",
  promise: "A late or duplicate result, or a refused event, changes nothing that it should not.",
  create(tell) {
    const findOvertaken = createOvertaken();
    return {
      onCommitted({ change, before, after }) {
        const { stackId, history } = change;
        const overtaken = history.map(findOvertaken);
        if (before === undefined) return;
        const isLate = (attempt: AttemptParts | undefined) => attempt !== undefined && isPresent(attempt, before);
        // What other lines of the change do excuses an answer that came too late: they cannot be told apart.
        const idle = history.every((line, index) => isLate(overtaken[index]) || isWithoutEffect(line, before));
        if (!idle || toVisible(before) === toVisible(after)) return;
        const told = history.map(({ eventId, outcome }) => `${eventId} ${outcome}`).join(", ");
        tell(`${stackId}: what had no effect has changed the stack: ${told}.`);
      },
    };
  },
};

/** Of one line after the other the attempt whose result it is, where a later attempt was answered before. */
function createOvertaken(): (line: HistoryEntry) => AttemptParts | undefined {
  const answered = new Map<string, number>();
  return ({ eventId, outcome, internal }) => {
    const found = internal && outcome === "applied" ? findAttempt(eventId, RESULT_ID) : undefined;
    if (found === undefined) return undefined;
    const run = eventId.slice(0, eventId.lastIndexOf("/"));
    const newest = answered.get(run) ?? 0;
    answered.set(run, Math.max(newest, found.attempt));
    return found.attempt < newest ? found : undefined;
  };
}

/** Answers of an entry that was left may end what the present one waits for. */
function isPresent({ life, entry }: AttemptParts, stack: Stack): boolean {
  return life === stack.life && entry === stack.entry;
}

/**
 * What only closes a run, or nothing at all. An entry of which nothing was sent yet may have waited for that very run:
 * then its tasks start with its end.
 */
function isWithoutEffect({ eventId, outcome, internal }: HistoryEntry, before: Stack): boolean {
  if (outcome === "removed") return false;
  if (outcome !== "applied") return true;
  if (Object.keys(before.attempts).length === 0) return false;
  const attempt = internal && findAttempt(eventId, ANSWER_ID);
  return attempt !== undefined && attempt.life === before.life && attempt.entry < before.entry;
}

const ANSWER_ID = /^(?:result|cancelled|deadline|cancel):(.*)$/s;
// The deadline of an earlier attempt may be applied: it asks that one to stop.
const RESULT_ID = /^result:(.*)$/s;

function findAttempt(eventId: string, id: RegExp): AttemptParts | undefined {
  return parseAttemptId(id.exec(eventId)?.[1] ?? "");
}

function toVisible(stack: Stack | undefined): string {
  if (stack === undefined) return "";
  const { state, entry, tasks, metadata } = stack;
  return JSON.stringify([state, entry, tasks, metadata]);
}
