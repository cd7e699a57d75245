import type { Locator } from "@stackyard/core";
import type { MachineDetails, MachineSummary } from "../schemas/machine.ts";

type Located = Awaited<ReturnType<Locator["find"]>>;
type Listing = Awaited<ReturnType<Locator["list"]>>[number];

/** A row of the list of machines. */
export function toMachineSummary({ name, located, origin }: Listing): MachineSummary {
  return { ...toFields(name, located), origin };
}

/** A machine with what it is made of. Lists are empty when no revision can be used. */
export function toMachineDetails(name: string, located: Located): MachineDetails {
  const fields = toFields(name, located);
  if (located.kind !== "found") return { ...fields, events: [], states: [], tasks: [] };
  const { machine, revision } = located;
  return {
    ...fields,
    revision: machine.revision,
    events: [...machine.events],
    states: [...machine.states.values()].map(({ name, terminal, tasks, on }) => ({
      ...{ name, terminal },
      tasks: [...tasks],
      on: [...on.keys()],
    })),
    tasks: [...machine.tasks.values()].map(({ name, executor }) =>
      executor === undefined ? { name } : { name, executor },
    ),
    source: revision.source,
  };
}

function toFields(name: string, located: Located): Omit<MachineSummary, "origin"> {
  const problems = located.kind === "unknown" ? [] : located.problems.map((problem) => ({ ...problem }));
  if (located.kind !== "found") return { name, status: "invalid", problems };
  const hasErrors = problems.some(({ severity }) => severity === "error");
  return { name, status: hasErrors ? "stale" : "valid", hash: located.machine.hash, problems };
}
