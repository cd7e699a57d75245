import { defined } from "../machine/json.ts";
import type { Logger } from "../ports/executor.ts";
import type { Change, HistoryEntry } from "../ports/stack-store.ts";

/** Logs a committed change, with the ids of stack, events, tasks and attempts, but no metadata or messages. */
export function logChange(
  logger: Logger,
  { stackId, history, dispatches, resends = [], cancels, endedAttempts }: Change,
): void {
  for (const entry of history) {
    if (entry.outcome === "dead-lettered") logger.warn("An event was dead-lettered.", toFields(entry));
    else logger.debug("An event was decided.", toFields(entry));
  }
  for (const { attemptId, task, again } of dispatches) {
    logger.debug("A task was dispatched.", { stackId, task, attemptId, again });
  }
  for (const attemptId of resends) logger.debug("A task is sent again as it was.", { stackId, attemptId });
  for (const { attemptId, why } of cancels) logger.debug("A task is being cancelled.", { stackId, attemptId, why });
  for (const attemptId of endedAttempts) logger.debug("An attempt has ended.", { stackId, attemptId });
}

function toFields({ stackId, eventId, event, outcome, code, reason, from, to, task }: HistoryEntry) {
  return { stackId, eventId, event, outcome, ...defined({ code, reason: code && reason, from, to, task }) };
}
