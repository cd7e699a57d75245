import type { Machine } from "../machine/machine.ts";
import type { LocatedMachine, Locator } from "../ports/locator.ts";

/** A machine with the source that it was compiled from. */
export interface SourcedMachine {
  readonly machine: Machine;
  readonly source: string;
}

/** A locator of machines that are given; for tests, programs with built-in machines, and the simulator. */
export function createStaticLocator(machines: readonly SourcedMachine[]): Locator {
  const located = new Map(machines.map((entry): [string, LocatedMachine] => [entry.machine.name, toLocated(entry)]));
  return {
    find: (name) => Promise.resolve(located.get(name) ?? { kind: "unknown" }),
    list: () =>
      Promise.resolve([...located].map(([name, machine]) => ({ name, located: machine, origin: "built in" }))),
  };
}

function toLocated({ machine, source }: SourcedMachine): LocatedMachine {
  const { name, hash } = machine;
  return { kind: "found", machine, revision: { name, hash, source }, problems: [] };
}
