import type { Stack } from "../machine/stack.ts";
import type { Store } from "../ports/store.ts";

/** Sentences about what waits for nothing. Call it when nothing is under way; while events wait there is nothing to say. */
export async function findStuck(store: Store): Promise<readonly string[]> {
  const { queuedEvents, queuedTasks, parkedEvents } = await store.queries.stats();
  if (queuedEvents + parkedEvents > 0) return [];
  const found: string[] = [];
  for (const { stack } of (await store.queries.listStacks({}, { limit: 1_000 })).items) {
    found.push(...(await findIdleRuns(store, stack, queuedTasks)), ...findIdleTasks(stack));
  }
  return found;
}

async function findIdleRuns(store: Store, { id, runs }: Stack, queuedTasks: number): Promise<readonly string[]> {
  const attempts = await Promise.all(runs.map(({ attemptId }) => store.findAttempt(attemptId)));
  return attempts.flatMap((attempt) => {
    if (attempt?.status === "settled") return [`${id}: the stack was never told that ${attempt.attemptId} has ended.`];
    if (attempt?.status === "unclaimed" && queuedTasks === 0) return [`No message of ${attempt.attemptId} is left.`];
    return [];
  });
}

function findIdleTasks({ id, tasks, runs, entry, timers, failed }: Stack): readonly string[] {
  const running = new Set(runs.filter((run) => run.entry === entry).map(({ task }) => task));
  // Tasks of version 2 may wait for each other, for runs of earlier entries, or for their next attempt.
  const idle = tasks.filter(({ name, status, detail }) => {
    if (status !== "PENDING" || running.has(name) || timers.some(({ task }) => task === name)) return false;
    return detail !== "WAITING" || (runs.length === 0 && failed !== true);
  });
  return idle.map(({ name }) => `${id}: the task "${name}" waits for nothing.`);
}
