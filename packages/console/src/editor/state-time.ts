import type { OutlineState } from "../machine/outline.ts";

/** Returns the time after which a state is left by itself, as it is written: its timeout, else its first timer. */
export function findStateTime({ keys, timers }: Pick<OutlineState, "keys" | "timers">): string | undefined {
  const times = [keys["timeout"], ...timers.map((timer) => timer["in"])];
  return times.find((time) => typeof time === "string" && !time.includes("${"))?.toString();
}
