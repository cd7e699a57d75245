import { defined } from "../errors/defined.ts";
import type { Logger } from "../ports/logger.ts";
import type { Change, HistoryEntry } from "../ports/stack-store.ts";

/** Logs what was committed, with the ids of stack, events, tasks and attempts; nothing of metadata or messages. */
export function logChange(logger: Logger, { stackId, history, dispatches, cancels, closes }: Change): void {
  for (const entry of history) {
    if (entry.outcome === "set-aside") logger.warn("An event was set aside.", toFields(entry));
    else logger.debug("An event was worked.", toFields(entry));
  }
  for (const { attemptId, task, again } of dispatches) {
    logger.debug("A task was dispatched.", { stackId, task, attemptId, again });
  }
  for (const { attemptId, why } of cancels) logger.debug("A task was asked to stop.", { stackId, attemptId, why });
  for (const attemptId of closes) logger.debug("An attempt was closed.", { stackId, attemptId });
}

function toFields({ stackId, eventId, event, outcome, code, reason, from, to, task }: HistoryEntry) {
  return { stackId, eventId, event, outcome, ...defined({ code, reason: code && reason, from, to, task }) };
}
