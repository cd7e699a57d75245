import type { Invariant } from "./invariant.ts";

/** From the first grant on; where a cancel was asked for, the cancel has its own end. */
export const deadlinesTold: Invariant = {
  name: "deadlines-told",
  promise: "The deadline of an attempt that was granted is handed out to whoever asks for what is due.",
  create(tell) {
    const due = new Map<string, number>();
    return {
      onClaimed({ attemptId }, result) {
        if (result.kind === "queued" || result.kind === "gone") due.delete(attemptId);
        if (result.kind !== "granted" || result.cancelling !== undefined) return;
        // One that was told is told again only when nobody has acted on it.
        if (!due.has(attemptId)) due.set(attemptId, result.deadlineAt);
      },
      onSettled: ({ attemptId }) => void due.delete(attemptId),
      onCommitted({ change }) {
        for (const attemptId of change.closes) due.delete(attemptId);
        for (const { attemptId } of change.cancels) due.delete(attemptId);
      },
      onTaken({ kinds, now, limit, leaseMs }, items) {
        for (const item of items) if (item.kind === "deadline") due.set(item.attemptId, now + leaseMs);
        if (items.length < limit && kinds.includes("deadline")) tellOverdue(due, now, tell);
      },
    };
  },
};

function tellOverdue(due: ReadonlyMap<string, number>, now: number, tell: (sentence: string) => void): void {
  for (const [attemptId, at] of due) if (at <= now) tell(`The deadline of ${attemptId} was not told.`);
}
