import { type Locator, StackyardError } from "@stackyard/core";
import type { Machine } from "@stackyard/core/machine";

/** The newest valid revision. Throws `MACHINE_UNKNOWN`, `MACHINE_INVALID` with the problems. */
export async function loadMachine(locator: Locator, name: string): Promise<Machine> {
  const located = await locator.find(name, { fresh: true });
  if (located.kind === "found") return located.machine;
  if (located.kind === "unknown") throw new StackyardError("MACHINE_UNKNOWN", `There is no machine "${name}".`);
  const { problems } = located;
  throw new StackyardError("MACHINE_INVALID", `The machine "${name}" has errors.`, { details: { problems } });
}
