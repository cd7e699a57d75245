import { type DescribedTasks, describeTasks, type TasksInput } from "./describe-tasks.ts";
import type { EcsDeps } from "./task-order.ts";

/** How long to wait, and how often to look. */
export interface WaitStoppedInput extends TasksInput {
  readonly withinMs: number;
  /** Default: 5 s. */
  readonly everyMs?: number;
}

const EVERY_MS = 5_000;

/** Waits until tasks are STOPPED or gone, at most so long. Gives what was seen last; `running` are those that are not. */
export async function waitStopped(
  deps: EcsDeps,
  { withinMs, everyMs = EVERY_MS, ...input }: WaitStoppedInput,
): Promise<DescribedTasks & { readonly running: readonly string[] }> {
  const { clock, signal } = deps;
  const until = clock.now() + withinMs;
  for (;;) {
    const seen = await describeTasks(deps, input);
    const running = seen.tasks.flatMap((task) => (task.lastStatus === "STOPPED" ? [] : (task.taskArn ?? [])));
    const leftMs = until - clock.now();
    if (running.length === 0 || leftMs <= 0 || signal.aborted) return { ...seen, running };
    await clock.sleep(Math.min(everyMs, leftMs), signal);
  }
}
