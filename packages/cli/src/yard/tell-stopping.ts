import type { Output } from "../shell/output.ts";
import type { RunningTask } from "./start-process.ts";

/** Says which tasks a process waits for that was asked to end, and what becomes of them. */
export function tellStopping(running: readonly RunningTask[], drainMs: number, out: Output): void {
  out.step({ kind: "stopping", running }, () => {
    if (running.length === 0) return "Stopping: no task runs.";
    const tasks = running.map(({ stackId, task }) => `${stackId} ${task}`).join(", ");
    const seconds = Math.round(drainMs / 1_000);
    return `Stopping: ${tasks} may end within ${seconds} s and are then asked to stop. Ctrl-C again quits at once.`;
  });
}
