import type { Logger } from "@stackyard/core";
import type { AttemptBook, BookAttempt, QueuedMessage } from "@stackyard/core/engine";
import type { Database } from "./database.ts";

/** An open attempt as the row of its stack holds it. */
interface KeptAttempt extends Omit<BookAttempt<unknown>, "stackId"> {
  readonly queued?: QueuedMessage;
}

/**
 * Writes the open attempts of a stack over those of before. A renewal alone is not written: a lease that is lost with
 * the process ends early, its attempt is handed out again, and the token of that grant fences a late owner.
 */
export function writeOpenAttempts(
  database: Database,
  attempts: AttemptBook<string>,
  { stackId, stackNo }: { readonly stackId: string; readonly stackNo: number },
): void {
  const open = attempts.listOf(stackId);
  if (open.length === 0) {
    database.run("delete from open_attempts where stack_no = ?", stackNo);
    return;
  }
  const kept = open.map((attempt) => toText(attempt, attempts.findQueued(attempt.attemptId)));
  database.run(
    `insert into open_attempts (stack_no, attempts) values (?, ?)
     on conflict do update set attempts = excluded.attempts`,
    stackNo,
    `[${kept.join(",")}]`,
  );
}

function toText({ message, stackId: _, ...facts }: BookAttempt<string>, queued: QueuedMessage | undefined): string {
  const text = JSON.stringify(queued === undefined ? facts : { ...facts, queued: toPlace(queued) });
  // The message is JSON already.
  return `${text.slice(0, -1)},"message":${message}}`;
}

function toPlace({ number, dueAt, visibleAt, deliveries }: QueuedMessage): QueuedMessage {
  return { number, dueAt, visibleAt, deliveries };
}

/** All open attempts. A row that cannot be read is logged and passed over, so that the store opens. */
export function readOpenAttempts(database: Database, logger: Logger) {
  const rows = database.each<{ stack_id: string; attempts: string }>(
    "select stack_id, attempts from open_attempts join stack using (stack_no)",
  );
  const found: { readonly attempt: BookAttempt<string>; readonly queued?: QueuedMessage }[] = [];
  for (const { stack_id: stackId, attempts } of rows) {
    try {
      for (const kept of parseKept(attempts)) found.push(toAttempt(stackId, kept));
    } catch (error) {
      logger.error("The open attempts of a stack cannot be read. Retry its pending tasks.", { stackId, error });
    }
  }
  return found.sort((a, b) => a.attempt.sequence - b.attempt.sequence);
}

function toAttempt(stackId: string, { queued, message, ...facts }: KeptAttempt) {
  const attempt = { ...facts, stackId, message: JSON.stringify(message) };
  return queued === undefined ? { attempt } : { attempt, queued };
}

function parseKept(text: string): readonly KeptAttempt[] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list) || !list.every(isKept)) throw new TypeError("The row is not a list of attempts.");
  return list;
}

const NUMBERS = ["token", "deadlineAt", "remainingMs", "timeoutMs", "dispatchedAt", "sequence"];

function isKept(value: unknown): value is KeptAttempt {
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  const texts = ["attemptId", "task", "status"].every((name) => typeof fields[name] === "string");
  return texts && NUMBERS.every((name) => typeof fields[name] === "number") && Array.isArray(fields["heldKeys"]);
}
