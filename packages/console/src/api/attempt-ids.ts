import type { Attempt, HistoryEntry } from "@stackyard/sdk";

/** Returns the stack of the attempt with this id: the first of its five parts. */
export function toStackId(attemptId: string): string {
  const [first = ""] = attemptId.split("/");
  try {
    return decodeURIComponent(first);
  } catch {
    return first;
  }
}

/** Returns the line of a history with which an attempt has ended; undefined while it is open, or when the line is pruned. */
export function findEnd(history: readonly HistoryEntry[], { attemptId }: Pick<Attempt, "attemptId">) {
  return history.find(
    ({ eventId, dispatchId, internal }) =>
      dispatchId === attemptId || (internal === true && eventId.endsWith(`:${attemptId}`)),
  );
}
