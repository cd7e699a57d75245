import { type Aims, ROW_RULES } from "./decide-row.ts";
import type { Changes, DeployDeps } from "./deploy-deps.ts";
import type { DeployRow } from "./deploy-row.ts";
import { findSeen, loadStacks } from "./observe-stacks.ts";

/**
 * Asks the stacks at the end of a task what is left: the rows of those that lack the work of this release, or after an undo
 * have a value of it still. Stacks with newer values and removed stacks do not count.
 */
export async function findLeft(
  { yard }: Pick<DeployDeps, "yard">,
  rows: readonly DeployRow[],
  aims: Aims,
): Promise<Changes> {
  const rules = ROW_RULES[aims.op];
  const asked = rows.filter(({ state }) => state === "skipped" || (rules.asksDone && state === "done"));
  const loaded = await loadStacks(
    yard,
    asked.map(({ stack }) => stack),
  );
  const left = asked.flatMap((row) => {
    const { stack } = findSeen(loaded, row.stack);
    const why = stack === undefined ? undefined : rules.findLeft(stack, aims);
    return why === undefined || HELD.has(row.code ?? "") ? [] : [[row.stack, { ...row, ...why }] as const];
  });
  return new Map(left);
}

/** Codes that say already why a stack was left as it was. */
const HELD: ReadonlySet<string> = new Set(["FROZEN", "NO_PREVIOUS"]);
