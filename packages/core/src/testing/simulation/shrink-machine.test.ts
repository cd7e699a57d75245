import { expect, it } from "vitest";
import { listSimplerMachines } from "./shrink-machine.ts";
import type { PlannedMachine } from "./simulation-plan.ts";

const withoutRevision: PlannedMachine = {
  version: 2,
  events: ["GO", "STAY"],
  states: {
    INIT: { on: { GO: "ONE" } },
    ONE: { tasks: ["db"], on: { STAY: "no-op" }, after: [{ in: "1s", event: "STAY" }], leaving: "wait", timeout: "5s" },
  },
  tasks: { db: { executor: "work", config: {}, timeout: "9s" } },
};
const machine: PlannedMachine = { ...withoutRevision, revision: "pin" };
const { ONE, INIT } = { ONE: {}, INIT: {}, ...machine.states };

it("takes one part out at a time", () => {
  const simpler = [...listSimplerMachines(machine)];

  const withStates = (states: PlannedMachine["states"]) => ({ ...machine, states });
  expect(simpler).toEqual([
    withStates({ INIT: { on: {} }, ONE }),
    withStates({ INIT }),
    withStates({ INIT, ONE: { ...ONE, tasks: [] } }),
    withStates({ INIT, ONE: { ...ONE, on: {} } }),
    withStates({ INIT, ONE: { ...ONE, after: [] } }),
    withStates({
      INIT,
      ONE: { tasks: ["db"], on: { STAY: "no-op" }, after: [{ in: "1s", event: "STAY" }], leaving: "wait" },
    }),
    withStates({
      INIT,
      ONE: { tasks: ["db"], on: { STAY: "no-op" }, after: [{ in: "1s", event: "STAY" }], timeout: "5s" },
    }),
    { ...machine, tasks: {} },
    { ...machine, tasks: { db: { executor: "work", timeout: "9s" } } },
    { ...machine, tasks: { db: { executor: "work", config: {} } } },
    withoutRevision,
    { ...machine, events: ["STAY"] },
    { ...machine, events: ["GO"] },
  ]);
});

it("takes out what is empty", () => {
  const states = { INIT: { on: {}, tasks: [] } };

  const simpler = [...listSimplerMachines({ version: 1, events: [], states, tasks: {} })];

  expect(simpler.map(({ states: left }) => left)).toEqual([{ INIT: { tasks: [] } }, { INIT: { on: {} } }]);
});
