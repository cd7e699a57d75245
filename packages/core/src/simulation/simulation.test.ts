import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseMachine } from "../machine/parse-machine.ts";
import { acceptingExecutors, aMachine } from "../testing/builders.ts";
import { createSimulation } from "./simulation.ts";

const machine = aMachine({
  INIT: { on: { OPENED: ["BUILD"] } },
  BUILD: { tasks: ["network", "db"], on: { NEXT: ["LIVE"], END: ["ENDED"] } },
  LIVE: {},
  ENDED: { terminal: true },
});
const machines = new Map([
  ["review-app", machine],
  ["broken", undefined],
]);
const opened = { event: { stackId: "pr-12", event: "OPENED", machine: "review-app", metadata: { sha: "a1" } } };
const built = (network: object, db: object) => ({
  id: "pr-12",
  machine: "review-app",
  state: "BUILD",
  previousState: "INIT",
  metadata: { sha: "a1" },
  tasks: [
    { name: "network", status: "PENDING", ...network },
    { name: "db", status: "PENDING", ...db },
  ],
});
const unchanged = { dispatched: [], messages: [], cancelled: [], others: [] };
const run = (...steps: readonly unknown[]) => {
  const simulation = createSimulation(machines);
  return steps.map((step) => simulation.step(step));
};
const last = (...steps: readonly unknown[]) => run(...steps).at(-1);

describe("createSimulation", () => {
  it("takes no event without an id for one whose id looks like the number of a step", () => {
    const lines = run({ event: { ...opened.event, id: "step-2" } }, { event: { stackId: "pr-12", event: "END" } });

    expect(lines.map(({ outcome }) => outcome)).toEqual(["applied", "removed"]);
  });

  it("reports what a step did, with the messages as a queue would carry them", () => {
    const toMessage = (name: string) => ({
      task: { executor: "lambda", config: { name }, name },
      stack: {
        id: "pr-12",
        previousState: "INIT",
        machine: "review-app",
        _state: "BUILD",
        tasks: built({}, {}).tasks,
        metadata: { sha: "a1" },
      },
      dispatch: { id: `pr-12/simulated-step-1/1/${name}/1`, attempt: 1, deadline: "2030-01-02T00:00:00.000Z" },
    });

    expect(run(opened)).toEqual([
      {
        step: 1,
        outcome: "applied",
        stack: built({}, {}),
        dispatched: ["network", "db"],
        messages: [toMessage("network"), toMessage("db")],
        cancelled: [],
        others: [],
      },
    ]);
  });

  it("starts at the given instant", () => {
    const line = createSimulation(machines, { now: 0 }).step(opened);

    expect(line.messages[0]?.dispatch.deadline).toBe("1970-01-02T00:00:00.000Z");
  });

  it("takes a worker's answer by name, for the stack of the step before", () => {
    const lines = run(
      opened,
      { task: "db", result: "succeeded", metadata: { sha: "a2" } },
      { task: "network", result: "failed", message: "quota", stackId: "pr-12" },
    );

    const stack = built({ status: "ERROR", errorMessage: "quota" }, { status: "SATISFIED" });
    expect(lines.at(-1)).toEqual({
      step: 3,
      outcome: "applied",
      stack: { ...stack, metadata: { sha: "a2" } },
      ...unchanged,
    });
  });

  it("follows the subject from step to step, refused ones too", () => {
    const other = { event: { ...opened.event, stackId: "pr-13" } };

    expect(last(opened, other, { task: "db", result: "succeeded" })?.stack?.id).toBe("pr-13");
    expect(last(opened, other, { task: "db", result: "succeeded", stackId: "pr-12" })?.stack?.id).toBe("pr-12");
    expect(last(other, opened, { event: { stackId: "pr-13" } }, { task: "db", result: "succeeded" })?.stack?.id).toBe(
      "pr-13",
    );
    expect(last(opened, {}, { task: "db", result: "succeeded" })?.stack?.id).toBe("pr-12");
  });

  it("confirms a cancel, which no event message may do", () => {
    const cancel = { event: { stackId: "pr-12", event: "CANCEL_TASK", task: { name: "db" } } };
    const faked = { event: { stackId: "pr-12", event: "TASK_CANCELLED", task: { name: "db" } } };

    expect(last(opened, cancel, { task: "db", result: "cancelled" })?.stack).toEqual(
      built({}, { status: "ERROR", errorMessage: "cancelled" }),
    );
    expect(last(opened, cancel, faked)).toEqual({
      step: 3,
      outcome: "refused",
      code: "EVENT_RESERVED",
      reason: '"TASK_CANCELLED" is sent by the engine only.',
      stack: built({}, {}),
      ...unchanged,
    });
  });

  it("removes a stack, whose id is free afterwards", () => {
    const end = { event: { stackId: "pr-12", event: "END" } };

    const lines = run(opened, end, { task: "db", result: "succeeded" }, opened);

    expect(lines.map(({ outcome, code, stack }) => [outcome, code, stack?.state ?? null])).toEqual([
      ["applied", undefined, "BUILD"],
      ["removed", undefined, null],
      ["ignored", "STACK_UNKNOWN", null],
      ["applied", undefined, "BUILD"],
    ]);
  });

  it("applies parked events in their order, before one that comes later [xstate-statemachine#28, frank#263]", () => {
    const each = aMachine({
      INIT: { on: { OPENED: ["BUILD"] } },
      BUILD: { on: { BUILT: ["LIVE"] } },
      LIVE: { on: { FIRST: ["LIVE"], SECOND: ["LIVE"], END: ["ENDED"] } },
      ENDED: { terminal: true },
    });
    const simulation = createSimulation(new Map([["review-app", each]]));
    const send = (event: string) => simulation.step({ event: { stackId: "pr-12", event } });
    simulation.step(opened);

    const waiting = [send("FIRST"), send("SECOND")];
    const next = send("BUILT");

    expect(waiting.map(({ code }) => code)).toEqual(["EVENT_NOT_HANDLED", "EVENT_NOT_HANDLED"]);
    expect(next).toMatchObject({ outcome: "applied", retried: [{ event: "FIRST" }, { event: "SECOND" }] });
    expect(send("END").outcome).toBe("removed");
  });

  it("ignores an id that was applied before, also after the removal, or that is parked", () => {
    const named = { event: { ...opened.event, id: "e-1" } };
    const early = { event: { stackId: "pr-12", event: "LAUNCH", id: "e-2" } };
    const end = { event: { stackId: "pr-12", event: "END" } };
    const duplicate = {
      outcome: "ignored",
      code: "DUPLICATE",
      reason: "Event e-1 was applied before.",
      ...unchanged,
    };

    expect(last(named, named)).toEqual({ step: 2, stack: built({}, {}), ...duplicate });
    expect(last(named, end, named)).toEqual({ step: 3, stack: null, ...duplicate });
    expect(last(named, early)?.code).toBe("EVENT_NOT_HANDLED");
    expect(last(named, early, early)).toMatchObject({ code: "DUPLICATE", reason: "Event e-2 is parked." });
    expect(last(named, { event: { ...named.event, stackId: "pr-13" } })?.outcome).toBe("applied");
  });

  it("ends the run of an earlier entry that a refused answer names", () => {
    const looping = aMachine({
      INIT: { on: { GO: ["A"] } },
      A: { tasks: ["one"], on: { GO: ["INIT"], OUT: ["END"] } },
      END: { terminal: true },
    });
    const simulation = createSimulation(new Map([["m", { ...looping, name: "m" }]]));
    const go = { event: { stackId: "s", event: "GO", machine: "m" } };

    const lines = [go, go, { task: "one", result: "succeeded" }, go, { task: "one", result: "succeeded" }].map((step) =>
      simulation.step(step),
    );

    expect(lines.map(({ code, stack }) => [code, stack?.state, stack?.tasks[0]?.status])).toEqual([
      [undefined, "A", "PENDING"],
      [undefined, "INIT", undefined],
      ["TASK_NOT_CURRENT", "INIT", undefined],
      [undefined, "A", "PENDING"],
      [undefined, "A", "SATISFIED"],
    ]);
  });

  it.each([
    [{ event: { ...opened.event, machine: "none" } }, "MACHINE_UNKNOWN", 'Unknown machine "none".'],
    [
      { event: { ...opened.event, machine: "borken" } },
      "MACHINE_UNKNOWN",
      'Unknown machine "borken". Did you mean "broken"?',
    ],
    [{ event: { ...opened.event, machine: "broken" } }, "MACHINE_INVALID", 'The machine "broken" has errors.'],
    [{ event: { stackId: "pr-12", event: "NEXT" } }, "EVENT_RESERVED", '"NEXT" is sent by the engine only.'],
    [{ event: "no" }, "EVENT_INVALID", "The message is not JSON."],
    [{ task: "db", result: "maybe", stackId: "s" }, "EVENT_INVALID", 'The message has neither "event" nor "action".'],
    [
      { task: "db", result: "succeeded" },
      "EVENT_INVALID",
      "The message is not an event: / must have required properties stackId.",
    ],
    [7, "EVENT_INVALID", "The message is not a JSON object."],
  ])("refuses the step %j", (step, code, reason) => {
    expect(run(step)).toEqual([{ step: 1, outcome: "refused", code, reason, stack: null, ...unchanged }]);
  });

  it("never throws, whatever the steps are", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.anything(), fc.record({ event: fc.anything() }))), (steps) => {
        expect(run(...steps).map(({ step }) => step)).toEqual(steps.map((_, index) => index + 1));
      }),
    );
  });

  it("says which tasks would wait for an exclusive key in a yard [argo-workflows#7620]", () => {
    const { machine } = parseMachine(
      `
version: 2
events: [GO]
states: { INIT: { on: { GO: RUN } }, RUN: { tasks: [db, web], on: { NEXT: DONE } }, DONE: { terminal: true } }
tasks:
  db: { executor: lambda, config: { name: db }, exclusive: "'shared'" }
  web: { executor: lambda, config: { name: web }, exclusive: "stack.id" }
`,
      { name: "keyed", executors: acceptingExecutors("lambda") },
    );
    const simulation = createSimulation(new Map([["keyed", machine]]));
    const go = (stackId: string) => simulation.step({ event: { event: "GO", stackId, machine: "keyed" } }).notes;

    expect(go("a")).toBeUndefined();
    expect(go("b")).toEqual(['In a yard, task "db" of "b" waits for the key "shared", which task "db" of "a" holds.']);
    simulation.step({ task: "db", result: "succeeded", stackId: "a" });
    simulation.step({ task: "db", result: "succeeded", stackId: "b" });
    expect(go("c")).toBeUndefined();
  });
});
