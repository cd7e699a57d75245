import type { MissingMachine } from "../aggregate/stack-input.ts";
import { tellUnknownMachine } from "../machine/decide/unknown-machine.ts";
import type { LocatedMachine, Locator } from "../ports/locator.ts";

/** That nobody knows a machine of this name, with the known name that was probably meant. */
export async function tellUnknown(locator: Locator, name: string): Promise<MissingMachine> {
  // None when they cannot be listed: only advice is lost.
  const listings = await locator.list().catch(() => []);
  const names = listings.map((listing) => listing.name);
  return { kind: "missing", code: "MACHINE_UNKNOWN", reason: tellUnknownMachine(name, names) };
}

/** That a machine has errors, with the first of them. */
export function toInvalidReason(name: string, problems: Problems): string {
  const first = problems.find(({ severity }) => severity === "error");
  const where = first === undefined ? "" : ` First: ${first.path === "" ? "" : `${first.path}: `}${first.message}`;
  return `The machine "${name}" has ${problems.length} problem(s).${where}`;
}

type Problems = Extract<LocatedMachine, { kind: "invalid" }>["problems"];
