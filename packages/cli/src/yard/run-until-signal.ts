import type { CommandContext } from "../command.ts";
import type { RunningProcess } from "./start-process.ts";
import { tellStopping } from "./tell-stopping.ts";

/**
 * Lets a process work until it is asked to end, then drains it; gives the exit code. `onEnding` comes first: from then on
 * nobody shall send it anything.
 */
export async function runUntilSignal(
  { out, signal }: CommandContext,
  running: RunningProcess,
  { drainMs, onEnding }: { readonly drainMs: number; readonly onEnding: () => void },
): Promise<number> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  onEnding();
  tellStopping(running.running(), drainMs, out);
  await running.stop();
  out.step({ kind: "stopped" }, () => "Stopped.");
  return 0;
}
