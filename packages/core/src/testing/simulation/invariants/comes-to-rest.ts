import type { Stack } from "../../../machine/stack.ts";
import type { Store } from "../../../ports/store.ts";
import type { Invariant } from "./invariant.ts";

/** Once nothing goes wrong any more, all work ends and every stack knows how. */
export const comesToRest: Invariant = {
  name: "comes-to-rest",
  promise: "When faults stop, everything comes to rest: no attempt stays open and no task waits for nothing.",
  create(tell) {
    return {
      async onRest(store) {
        const { queuedTasks, openAttempts } = await store.stats();
        if (queuedTasks > 0) tell(`${queuedTasks} task message(s) stay in the queue.`);
        if (openAttempts > 0) tell(`${openAttempts} attempt(s) stay open.`);
        for (const { stack } of (await store.listStacks({}, { limit: 1_000 })).items) {
          for (const sentence of await findStuck(stack, store)) tell(sentence);
        }
      },
    };
  },
};

async function findStuck(stack: Stack, store: Store): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { attemptId } of stack.runs) {
    const attempt = await store.findAttempt(attemptId);
    const status = attempt === undefined ? "is unknown" : `is ${attempt.status}`;
    found.push(`${stack.id} waits for ${attemptId}, which ${status}.`);
  }
  for (const { name, status } of stack.tasks) {
    if (status === "PENDING") found.push(`${stack.id}: the task "${name}" is pending for ever.`);
  }
  for (const { id } of stack.timers) found.push(`${stack.id}: the timer ${id} never fires.`);
  return found;
}
