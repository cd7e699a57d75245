import { hasFailed } from "../../../machine/decide/work.ts";
import type { Stack } from "../../../machine/stack.ts";
import type { Store } from "../../../ports/store.ts";
import type { Invariant, InvariantContext } from "./invariant.ts";

/** Once nothing goes wrong any more, all work ends and every stack knows how. */
export const comesToRest: Invariant = {
  name: "comes-to-rest",
  promise: "When faults stop, everything comes to rest: no attempt stays open and no task waits for nothing.",
  create(tell, context) {
    return {
      async onRest(store) {
        const { queuedTasks, openAttempts } = await store.queries.stats();
        if (queuedTasks > 0) tell(`${queuedTasks} task message(s) stay in the queue.`);
        if (openAttempts > 0) tell(`${openAttempts} attempt(s) stay open.`);
        for (const { stack } of (await store.queries.listStacks({}, { limit: 1_000 })).items) {
          for (const sentence of await findStuckRuns(stack, store)) tell(sentence);
          for (const sentence of findStuckTasks(stack, context)) tell(sentence);
        }
      },
    };
  },
};

async function findStuckRuns({ id, runs }: Stack, store: Store): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { attemptId } of runs) {
    const attempt = await store.findAttempt(attemptId);
    const status = attempt === undefined ? "is unknown" : `is ${attempt.status}`;
    found.push(`${id} waits for ${attemptId}, which ${status}.`);
  }
  return found;
}

function findStuckTasks(stack: Stack, { findMachine }: InvariantContext): readonly string[] {
  const { id, tasks, timers, machineHash } = stack;
  const machine = findMachine(machineHash);
  // What needs a task that has failed for good waits until somebody mends that one.
  const isBlocked = stack.failed === true || (machine !== undefined && hasFailed({ machine, stack }));
  const stuck = tasks.filter(({ status, detail }) => status === "PENDING" && !(isBlocked && detail === "WAITING"));
  return [
    ...stuck.map(({ name, detail }) => `${id}: the task "${name}" is pending for ever (${detail ?? "sent"}).`),
    ...timers.map((timer) => `${id}: the timer ${timer.id} never fires.`),
  ];
}
