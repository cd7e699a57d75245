import type { HistoryEntry } from "@stackyard/sdk";

/** Returns the line by which the task's approval was complete last: of two people, the first alone approves nothing. */
export function findLastApproved(entries: readonly HistoryEntry[], task: string): HistoryEntry | undefined {
  return entries.find(
    (line) => line.event === "APPROVE_TASK" && line.task === task && line.outcome === "applied" && isComplete(line),
  );
}

const GIVEN = /: (\d+) of (\d+)\.$/;

/** Lines of earlier versions do not say how many approvals were given. */
function isComplete({ notes }: HistoryEntry): boolean {
  return notes.every((note) => {
    const [, given, count] = GIVEN.exec(note) ?? [];
    return given === count;
  });
}
