import type { Machine } from "../../machine/machine.ts";
import { parseMachine } from "../../machine/parse-machine.ts";
import type { LocatedMachine, Locator } from "../../ports/locator.ts";
import type { KeyOf } from "./call-keys.ts";
import type { Life } from "./operation.ts";
import { PLANNED_DEFINITIONS } from "./planned-executors.ts";
import type { Scheduler } from "./scheduler.ts";
import { PLANNED_MACHINE, type PlannedMachine } from "./simulation-plan.ts";

/** The revisions of a plan's machine, one of which is the newest. */
export interface PlannedMachines {
  readonly newest: LocatedMachine;
  /** A revision by its hash. */
  find(hash: string): Machine | undefined;
  revise(to: number): void;
}

/** Compiles all of them. Throws when one does not compile: then the plan is none. */
export function createPlannedMachines(machines: readonly PlannedMachine[]): PlannedMachines {
  const located = machines.map(locate);
  const byHash = new Map(located.flatMap((each) => (each.kind === "found" ? [[each.machine.hash, each.machine]] : [])));
  let newest: LocatedMachine = located[0] ?? { kind: "unknown" };
  return {
    get newest() {
      return newest;
    },
    find: (hash) => byHash.get(hash),
    revise(to) {
      newest = located[to] ?? { kind: "unknown" };
    },
  };
}

/** A locator of one process: each look-up takes its time. */
export function createPlannedLocator(
  machines: PlannedMachines,
  { life, keyOf, scheduler }: { readonly life: Life; readonly keyOf: KeyOf; readonly scheduler: Scheduler },
): Locator {
  return {
    find: (name) =>
      scheduler.enter({
        key: keyOf("find"),
        life,
        tell: () => name,
        act: (): LocatedMachine => (name === PLANNED_MACHINE ? machines.newest : { kind: "unknown" }),
      }),
    list: async () => [],
  };
}

function locate(document: PlannedMachine): LocatedMachine {
  const source = JSON.stringify(document);
  const { machine, problems } = parseMachine(source, { name: PLANNED_MACHINE, executors: PLANNED_DEFINITIONS });
  if (machine === undefined)
    throw new InvalidPlan(problems.map(({ path, message }) => `${path}: ${message}`).join("\n"));
  return { kind: "found", machine, revision: { name: PLANNED_MACHINE, hash: machine.hash, source }, problems };
}

/** A plan that cannot be run, such as one whose machine does not compile. */
export class InvalidPlan extends Error {
  constructor(reason: string) {
    super(`The plan cannot be run. ${reason}`);
    this.name = "InvalidPlan";
  }
}
