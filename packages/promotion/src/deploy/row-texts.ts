import { toShellCommand } from "@stackyard/core";
import { listItems } from "@stackyard/core/rollout";
import type { HoldCode } from "../hold.ts";
import type { Deployment } from "./deploy-deps.ts";
import type { DeployRow } from "./deploy-row.ts";

// Who may read a release may not read all of its stacks. So its texts have counts and codes; which stacks they are, and why, is
// in the rows, which each reader sees in part.

/** Formats how many rows have each code, such as `STACK_FAILED 2, STACK_STALLED 1`. */
export function formatCodes(rows: readonly DeployRow[]): string {
  const codes = Map.groupBy(rows, ({ code = "" }) => code);
  return [...codes].map(([code, same]) => `${code} ${same.length}`).join(", ");
}

/** Lists the codes of what the rows that were observed wait for, each once, the first row's first. */
export function listHeld(deployment: Deployment): readonly string[] {
  const held = listItems(deployment).flatMap(({ state, code }) => (state === "waiting" && code ? [code] : []));
  return [...new Set(held)];
}

/** Returns why the rows that were observed wait. */
export function formatHeld(deployment: Deployment): string {
  const held = listHeld(deployment);
  return held.length === 0 ? "" : ` Held back by ${formatReasons(held)}. Which: ${toRowsCommand(deployment)}`;
}

/** What holds a row back, in words, by its code. Other codes are printed unchanged. */
const REASONS: ReadonlyMap<string, string> = new Map<HoldCode | "STACK_MOVING", string>([
  ["WINDOW_CLOSED", "a closed window"],
  ["FROZEN", "a freeze"],
  ["ALARM", "an alarm"],
  ["GATE_UNAVAILABLE", "a check that cannot be read"],
  ["STACK_MOVING", "work that runs in the stacks"],
]);

function formatReasons(codes: readonly string[]): string {
  const words = codes.map((code) => REASONS.get(code) ?? code);
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** Returns the command that shows the rows. */
export function toRowsCommand({ state: { release } }: Deployment): string {
  return toShellCommand`stackyard deploys show ${release.stackId} ${release.task}`;
}
