import { describe, expect, it } from "vitest";
import { decide } from "../../machine/decide/decide.ts";
import type { Machine } from "../../machine/machine.ts";
import { parseMachine } from "../../machine/parse-machine.ts";
import { acceptingExecutors, aStack, toApplied } from "../../testing/builders.ts";
import { foreseeTasks } from "./foresee-tasks.ts";

function parse(parts: string): Machine {
  const source = `version: 2\nevents: { GO: {}, APPLY: {}, PING: {} }\nmetadata: { n: { type: number } }\n${parts}`;
  const { machine, problems } = parseMachine(source, { name: "app", executors: acceptingExecutors("work") });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  return machine;
}

/** What a new stack of the machine would do after GO. */
function foresee(parts: string) {
  const machine = parse(parts);
  const event = { id: "e1", stackId: "s", name: "GO", at: 5, origin: "external", machine: "app" } as const;
  const foreseen = foreseeTasks(machine, toApplied(decide(machine, undefined, event)).stack, 5);
  const { tasks, reads: _, ...rest } = foreseen;
  return { ...rest, tasks: tasks.map(({ state, task }) => `${state}/${task}`) };
}

describe("foreseeTasks", () => {
  it("lists the tasks of all states that follow, in their order, approvals among them", () => {
    const foreseen = foresee(`
states:
  INIT: { on: { GO: BUILD } }
  BUILD: { tasks: [network, app, ok], on: { NEXT: CHECK } }
  CHECK: { tasks: [check], on: { NEXT: LIVE } }
  LIVE: {}
tasks:
  network: { executor: work, config: {} }
  app: { executor: work, config: {}, needs: [network] }
  ok: { executor: approval, config: { from: [ops] }, needs: [app] }
  check: { executor: work, config: {} }
`);

    expect(foreseen).toEqual({
      tasks: ["BUILD/network", "BUILD/app", "BUILD/ok", "CHECK/check"],
      end: "LIVE",
      isWhole: true,
    });
  });

  it("ends at a condition on outputs, which are not known yet", () => {
    const foreseen = foresee(`
states:
  INIT: { on: { GO: BUILD } }
  BUILD:
    tasks: [plan]
    on: { NEXT: [{ when: tasks.plan.outputs.changes > 0, action: advance, state: APPLY }, { action: advance, state: LIVE }] }
  APPLY: { tasks: [apply], on: { NEXT: LIVE } }
  LIVE: {}
tasks:
  plan: { executor: work, config: {} }
  apply: { executor: work, config: {} }
`);

    expect(foreseen).toEqual({ tasks: ["BUILD/plan"], end: "BUILD", isWhole: false });
  });

  it("ends where a machine runs in circles, and knows a removal", () => {
    const circle = foresee(`
states: { INIT: { on: { GO: A } }, A: { tasks: [a], on: { NEXT: A } } }
tasks: { a: { executor: work, config: {} } }
`);
    expect(circle).toMatchObject({ end: "A", isWhole: false });
    expect(circle.tasks.length).toBeLessThan(100);

    const removal = foresee(`
states: { INIT: { on: { GO: GONE } }, GONE: { terminal: true, tasks: [bye] } }
tasks: { bye: { executor: work, config: {} } }
`);
    expect(removal).toEqual({ tasks: ["GONE/bye"], end: null, isWhole: true });
  });

  it("follows raised events, also several in a row, and those that no entry fits change nothing", () => {
    const foreseen = foresee(`
states:
  INIT: { on: { GO: BUILD } }
  BUILD: { tasks: [plan], on: { NEXT: [{ action: advance, state: PLANNED, raise: APPLY }] } }
  PLANNED: { tasks: [look], leaving: cancel, on: { APPLY: [{ action: advance, state: APPLYING, raise: PING }] } }
  APPLYING: { tasks: [apply], on: { NEXT: LIVE, PING: [{ when: "1 == 2", action: advance, state: INIT }] } }
  LIVE: {}
tasks:
  plan: { executor: work, config: {} }
  look: { executor: work, config: {} }
  apply: { executor: work, config: {} }
`);

    expect(foreseen).toEqual({
      tasks: ["BUILD/plan", "PLANNED/look", "APPLYING/apply"],
      end: "LIVE",
      isWhole: true,
    });
  });

  it("ends at a raised event whose condition is on outputs, and where events raise each other in circles", () => {
    const unknown = foresee(`
states:
  INIT: { on: { GO: BUILD } }
  BUILD: { tasks: [plan], on: { NEXT: [{ action: advance, state: PLANNED, raise: APPLY }] } }
  PLANNED:
    tasks: [look]
    on: { APPLY: [{ when: tasks.look.outputs.changes > 0, action: advance, state: LIVE }, { action: no-op }] }
  LIVE: {}
tasks: { plan: { executor: work, config: {} }, look: { executor: work, config: {} } }
`);
    expect(unknown).toEqual({ tasks: ["BUILD/plan", "PLANNED/look"], end: "PLANNED", isWhole: false });

    const circle = foresee(`
states:
  INIT: { on: { GO: A } }
  A: { tasks: [a], on: { NEXT: [{ action: advance, state: B, raise: PING }] } }
  B: { on: { PING: [{ action: advance, state: C, raise: PING }] } }
  C: { on: { PING: [{ action: advance, state: B, raise: PING }] } }
tasks: { a: { executor: work, config: {} } }
`);
    expect(circle).toMatchObject({ tasks: ["A/a"], isWhole: false });
  });

  it("knows a removal by a raised event", () => {
    const foreseen = foresee(`
states:
  INIT: { on: { GO: A } }
  A: { tasks: [a], on: { NEXT: [{ action: advance, state: B, raise: PING }] } }
  B: { on: { PING: GONE } }
  GONE: { terminal: true }
tasks: { a: { executor: work, config: {} } }
`);
    expect(foreseen).toEqual({ tasks: ["A/a"], end: null, isWhole: true });
  });

  it("has another digest of what tasks read when a value changes that the machine does not set itself", () => {
    const machine = parse(`
states: { INIT: { on: { GO: [{ action: advance, state: A, set: { n: 1 } }] } }, A: { tasks: [a] } }
tasks: { a: { executor: work, config: {} } }
`);
    const readsOf = (metadata: Record<string, string | number>) =>
      foreseeTasks(machine, aStack({ state: "A", metadata }), 0).reads;

    const present = readsOf({ size: "small", n: 1 });

    expect(readsOf({ size: "small", n: 2 })).toBe(present);
    expect(readsOf({ size: "large", n: 1 })).not.toBe(present);
  });
});
