import { type Locator, StackyardError } from "@stackyard/core";
import { type Machine, tellUnknownMachine } from "@stackyard/core/machine";

/** The newest valid revision. Throws `MACHINE_UNKNOWN`, `MACHINE_INVALID` with the problems. */
export async function loadMachine(locator: Locator, name: string): Promise<Machine> {
  const located = await locator.find(name, { fresh: true });
  if (located.kind === "found") return located.machine;
  if (located.kind === "unknown") throw await unknownMachine(locator, name);
  const { problems } = located;
  throw new StackyardError("MACHINE_INVALID", `The machine "${name}" has errors.`, { details: { problems } });
}

/** `MACHINE_UNKNOWN`, with the known name that was probably meant. */
export async function unknownMachine(locator: Locator, name: string): Promise<StackyardError> {
  const names = (await locator.list()).map((listing) => listing.name);
  return new StackyardError("MACHINE_UNKNOWN", tellUnknownMachine(name, names));
}
