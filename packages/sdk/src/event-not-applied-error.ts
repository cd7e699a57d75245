import { StackyardError } from "@stackyard/core";
import type { HistoryEntry } from "./history-entry.ts";

/** The event will not apply by itself: it was set aside, refused or ignored. `code` is `OUTCOME_NEGATIVE`. */
export class EventNotAppliedError extends StackyardError {
  /** The line of the history that says so. */
  readonly entry: HistoryEntry;

  constructor(entry: HistoryEntry) {
    const { event, outcome, stackId, code, reason } = entry;
    const why = [code, reason].filter((part) => part !== undefined).join(": ");
    super("OUTCOME_NEGATIVE", `"${event}" of stack "${stackId}" was ${outcome}${why === "" ? "." : ` (${why})`}`, {
      details: { eventId: entry.eventId, stackId, outcome, ...(code && { code }), ...(reason && { reason }) },
    });
    this.name = "EventNotAppliedError";
    this.entry = entry;
  }
}
