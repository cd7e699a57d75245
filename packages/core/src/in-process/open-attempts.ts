import type { TaskMessage } from "../machine/task-message.ts";
import { createPageBuilder, type Page, type PageInput } from "../ports/records.ts";
import { matchesAttempt } from "../ports/stack-filter.ts";
import type { OpenAttempt, OpenAttemptFilter } from "../ports/store.ts";
import { parsePosition } from "../ports/store-helpers.ts";
import type { AttemptBook, BookAttempt } from "./attempt-book.ts";

/** Lists the open attempts of a yard in order of dispatch. Each page reads all of them: they are in memory. */
export function listOpenAttempts(book: AttemptBook, filter: OpenAttemptFilter, page: PageInput): Page<OpenAttempt> {
  const after = parsePosition(page.cursor) ?? 0;
  const later = [...book.all()].filter(({ sequence }) => sequence > after).sort((a, b) => a.sequence - b.sequence);
  const found = createPageBuilder<OpenAttempt>(page);
  for (const attempt of later) {
    if (!matchesAttempt(filter, attempt, () => machineOf(attempt))) continue;
    const view = { ...book.view(attempt), machine: machineOf(attempt) };
    const bytes = Buffer.byteLength(JSON.stringify(view));
    if (!found.add({ id: attempt.attemptId, cursor: String(attempt.sequence), bytes, read: () => view })) break;
  }
  return found.end();
}

function machineOf({ message }: BookAttempt): string {
  // The book itself has written it.
  return (JSON.parse(message) as TaskMessage).stack.machine;
}
