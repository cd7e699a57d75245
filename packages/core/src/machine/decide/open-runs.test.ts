import { describe, expect, it } from "vitest";
import { aMachine, anEvent, aStack } from "../../testing/builders.ts";
import { play } from "../../testing/play.ts";
import { attemptsOf, closeRun } from "./work.ts";

const machine = aMachine({ INIT: { on: { GO: ["A"] } }, A: { tasks: ["one", "two"] } });
const stack = play(machine, anEvent("GO"));

describe("closeRun", () => {
  it("takes the open attempt out and leaves all else", () => {
    expect(closeRun(stack, "pr-12/event-1/1/one/1")).toEqual({ ...stack, runs: stack.runs.slice(1) });
  });

  it("gives the same stack when the attempt is not open", () => {
    expect(closeRun(stack, "other")).toBe(stack);
  });
});

describe("attemptsOf", () => {
  it("counts from nothing, also for names of built-ins", () => {
    const counted = aStack({ attempts: { one: 2 } });

    expect(["one", "two", "constructor", "__proto__"].map((task) => attemptsOf(counted, task))).toEqual([2, 0, 0, 0]);
  });
});
