import { SYSTEM_EVENTS } from "../machine/event-message.ts";
import { FAILED, NEXT } from "../machine/machine.ts";
import type { Stack } from "../machine/stack.ts";
import type { StoredHistoryEntry } from "../ports/stack-store.ts";

type Line = Pick<StoredHistoryEntry, "position" | "at" | "event" | "outcome" | "from" | "to">;

/** Events with which a run continues: the results of its tasks, what people answer, and what follows from both. */
const OF_RUNS: ReadonlySet<string> = new Set([NEXT, FAILED, ...Object.values(SYSTEM_EVENTS)]);

/** Those of them after which all is well. In version 2, the line of a result is also that of the move which it causes. */
const GOOD: ReadonlySet<string> = new Set([
  NEXT,
  SYSTEM_EVENTS.taskCompleted,
  SYSTEM_EVENTS.settleTask,
  SYSTEM_EVENTS.approveTask,
]);

/**
 * Returns the last lines of the runs that may have succeeded, newest first. A run begins when anything but the results of
 * its own tasks moves the stack: an event from outside, a timer. The newest run is left out, because it is under way. A run
 * whose last move was a failure, and one without a result, have not succeeded.
 */
export function listEndsOfRuns<Entry extends Line>(newestFirst: readonly Entry[]): readonly Entry[] {
  const [, ...earlier] = toRuns(newestFirst);
  return earlier.flatMap((run) => {
    const [end] = run;
    const last = run.find((line) => isMove(line) || line.event === SYSTEM_EVENTS.taskCompleted);
    return end !== undefined && last !== undefined && GOOD.has(last.event) ? [end] : [];
  });
}

/** Returns true for a stack that has nothing more to do in its state, and has done all of it. */
export function isDone({ tasks }: Pick<Stack, "tasks">): boolean {
  return tasks.every(({ status }) => status === "SATISFIED");
}

/** Splits lines before each that begins a run; the lines of a run are newest first, too. */
function toRuns<Entry extends Line>(newestFirst: readonly Entry[]): readonly (readonly Entry[])[] {
  const runs: Entry[][] = [[]];
  for (const line of newestFirst) {
    runs.at(-1)?.push(line);
    if (isMove(line) && !OF_RUNS.has(line.event)) runs.push([]);
  }
  return runs;
}

function isMove({ outcome, from, to }: Line): boolean {
  return outcome === "applied" && to !== undefined && from !== to;
}
