import { describe, expect, it } from "vitest";
import { aMachineV2, anEvent } from "../../testing/builders.ts";
import { anExpression, readKey } from "../../testing/expressions.ts";
import { play, toApplied } from "../../testing/play.ts";
import type { StackEvent } from "../event-message.ts";
import type { Machine, Task } from "../machine.ts";
import type { Stack } from "../stack.ts";
import { decide } from "./decide.ts";

const done = (task: string, event: Partial<StackEvent> = {}) =>
  anEvent("TASK_COMPLETED", { task: { name: task }, ...event });
const failed = (task: string) => anEvent("TASK_ERROR", { task: { name: task }, description: "no" });
const detailsOf = ({ tasks }: Stack) => tasks.map(({ name, status, detail }) => `${name} ${detail ?? status}`);
const decideOn = (machine: Machine, stack: Stack, event: StackEvent) => toApplied(decide(machine, stack, event));

function build(tasks: Readonly<Record<string, Partial<Task>>>): Machine {
  return aMachineV2(
    {
      INIT: { on: { GO: ["BUILD"] } },
      BUILD: { tasks: Object.keys(tasks), on: { NEXT: ["LIVE"], FAILED: ["BROKEN"] } },
      LIVE: {},
      BROKEN: {},
    },
    { tasks },
  );
}

describe("tasks with needs", () => {
  const machine = build({ app: { needs: ["db"] }, network: {}, db: { needs: ["network"] } });
  const entered = decideOn(machine, play(machine, anEvent("RETRY_PENDING_TASKS")), anEvent("GO"));

  it("wait on entry, and the messages of the others show it", () => {
    expect(detailsOf(entered.stack)).toEqual(["app WAITING", "network RUNNING", "db WAITING"]);
    expect(entered.dispatches.map(({ task, message }) => [task, message.stack.tasks])).toEqual([
      ["network", entered.stack.tasks],
    ]);
  });

  it("are sent in the event that makes the last of them succeed", () => {
    const { stack, dispatches } = decideOn(machine, entered.stack, done("network"));

    expect(detailsOf(stack)).toEqual(["app WAITING", "network SATISFIED", "db RUNNING"]);
    expect(dispatches.map(({ attemptId }) => attemptId)).toEqual(["pr-12/event-1/1/db/1"]);
  });

  it("fire NEXT only when the last has succeeded", () => {
    const stack = play(machine, anEvent("GO"), done("network"), done("db"));

    expect([stack.state, play(machine, anEvent("GO"), done("network"), done("db"), done("app")).state]).toEqual([
      "BUILD",
      "LIVE",
    ]);
  });

  it("that can never be met let FAILED fire", () => {
    expect(play(machine, anEvent("GO"), failed("network")).state).toBe("BROKEN");
  });

  it("do not hold back those that need nothing, after a failure too", () => {
    const wide = build({ a: {}, b: {}, c: { needs: ["b"] } });

    const { stack, dispatches } = decideOn(wide, play(wide, anEvent("GO"), failed("a")), done("b"));

    expect([stack.state, ...detailsOf(stack)]).toEqual(["BUILD", "a ERROR", "b SATISFIED", "c RUNNING"]);
    expect(dispatches.map(({ task }) => task)).toEqual(["c"]);
  });

  it("that a later revision names, but the entry does not have, hold nothing up", () => {
    const other = build({ app: { needs: ["gone"] }, network: {}, db: { needs: ["network"] } });

    expect(detailsOf(decideOn(other, entered.stack, done("network")).stack)).toEqual([
      "app RUNNING",
      "network SATISFIED",
      "db RUNNING",
    ]);
  });

  it("in a circle, which no compiled machine has, wait for ever and do no harm", () => {
    const circle = build({ a: { needs: ["b"] }, b: { needs: ["a"] }, c: {} });

    expect(detailsOf(play(circle, anEvent("GO"), done("c")))).toEqual(["a WAITING", "b WAITING", "c SATISFIED"]);
  });
});

describe("a task's condition", () => {
  const isBig = anExpression((scope) => readKey(scope, "size") === "big", "metadata.size == 'big'");

  it("skips the task when it is false, which counts as success for those that need it", () => {
    const machine = build({ db: { when: isBig }, app: { needs: ["db"] } });

    const { stack, dispatches } = decideOn(
      machine,
      play(machine, anEvent("RETRY_PENDING_TASKS")),
      anEvent("GO", { metadata: { size: "small" } }),
    );

    expect(stack.tasks[0]).toEqual({ name: "db", status: "SATISFIED", detail: "SKIPPED" });
    expect(dispatches.map(({ task }) => task)).toEqual(["app"]);
  });

  it("is decided on entry and not again when the task's turn comes", () => {
    const machine = build({ db: {}, app: { needs: ["db"], when: isBig } });
    const entered = play(machine, anEvent("GO", { metadata: { size: "big" } }));

    expect(detailsOf(decideOn(machine, entered, done("db", { metadata: { size: "small" } })).stack)).toEqual([
      "db SATISFIED",
      "app RUNNING",
    ]);
  });

  it("sees the stack in its new state, and neither tasks nor the event", () => {
    const seen: unknown[] = [];
    const look = anExpression(({ stack, tasks, event, now }) => {
      seen.push([stack.state, stack.previousState, stack.visits, stack.enteredAt, tasks, event, now]);
      return true;
    });

    play(build({ db: { when: look } }), anEvent("GO", { at: 7_000 }));

    const visits = { INIT: 1, BUILD: 1, LIVE: 0, BROKEN: 0 };
    expect(seen).toEqual([["BUILD", "INIT", visits, 7_000, undefined, undefined, 7_000]]);
  });

  it("fires NEXT in the same event when all tasks are skipped", () => {
    const machine = build({ db: { when: isBig }, app: { when: isBig } });

    const stack = play(machine, anEvent("GO", { metadata: { size: "small" } }));

    expect([stack.state, stack.previousState, stack.entry]).toEqual(["LIVE", "BUILD", 2]);
  });

  it("fails the task without a dispatch when it cannot be evaluated, and the event goes on", () => {
    const machine = build({ db: { when: isBig }, app: {} });

    const { stack, dispatches } = decideOn(machine, play(machine, anEvent("RETRY_PENDING_TASKS")), anEvent("GO"));

    expect(stack.tasks[0]).toEqual({
      name: "db",
      status: "ERROR",
      errorCode: "EXPRESSION_FAILED",
      errorMessage: "The condition \"metadata.size == 'big'\" failed: No such key: size",
    });
    expect(dispatches.map(({ task }) => task)).toEqual(["app"]);
  });

  it("that gives neither true nor false fails the task, and FAILED fires in the event that entered", () => {
    const machine = build({ db: { when: anExpression(() => "yes") }, app: { needs: ["db"] } });

    expect(play(machine, anEvent("GO")).state).toBe("BROKEN");
  });

  it("removes the stack at once in a terminal state whose tasks are all skipped", () => {
    const machine = aMachineV2(
      { INIT: { on: { GO: ["END"] } }, END: { terminal: true, tasks: ["tidy"] } },
      { tasks: { tidy: { when: anExpression(() => false) } } },
    );

    expect(toApplied(decide(machine, undefined, anEvent("GO", { machine: "review-app" }))).removed).toBe(true);
  });
});

describe("skipping in circles", () => {
  it("stops after 50 entries of one event, and the stack is stalled", () => {
    const machine = aMachineV2(
      { INIT: { on: { GO: ["A"] } }, A: { tasks: ["t"], on: { NEXT: ["A"] } } },
      { tasks: { t: { when: anExpression(() => false) } } },
    );

    const stack = play(machine, anEvent("GO"));

    expect([stack.entry, stack.stalled]).toEqual([
      50,
      { code: "TRANSITION_LIMIT", reason: "One event may cause at most 50 entries." },
    ]);
  });
});
