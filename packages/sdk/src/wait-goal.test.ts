import { describe, expect, it } from "vitest";
import type { HistoryEntry } from "./history-entry.ts";
import type { StackDetails } from "./stack.ts";
import { evaluateGoal, type WaitGoal } from "./wait-goal.ts";

const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`;
const failure = {
  task: "deploy",
  state: "BUILD",
  entry: 1,
  attempt: 1,
  at: at(5),
  code: "NOPE",
  message: "terraform apply ended with exit code 1.\n\nerror: no quota",
  missed: { states: ["LIVE"], removal: false },
};

function aStack(stack: Partial<StackDetails> = {}): StackDetails {
  return {
    id: "pr-1",
    machine: "app",
    machineHash: "",
    state: "CLEANUP",
    previousState: "BUILD",
    tasks: [],
    metadata: {},
    createdAt: at(0),
    updatedAt: at(6),
    enteredAt: at(6),
    life: "e",
    entry: 2,
    version: 3,
    summary: "Waits for clean.",
    attempts: [],
    parked: [],
    timers: [],
    reachable: { states: ["BROKEN", "LIVE"], removal: false },
    ...stack,
  };
}

const line: HistoryEntry = {
  position: 1,
  stackId: "pr-1",
  at: at(5),
  eventId: "e",
  event: "PUSHED",
  outcome: "applied",
  sent: [],
  notes: [],
};
const evaluate = (stack: Partial<StackDetails>, goal: WaitGoal, after: HistoryEntry | undefined = line) =>
  evaluateGoal(aStack(stack), goal, { after, first: undefined });

describe("evaluateGoal", () => {
  it.each<[string, Partial<StackDetails>, WaitGoal, string]>([
    ["a stack in the state", { state: "LIVE" }, { states: ["LIVE"] }, "reached"],
    ["one that may get there", {}, { states: ["LIVE"] }, "open"],
    ["one that may not", {}, { states: ["ASLEEP"] }, "unreachable"],
    ["one that may only be removed", { reachable: { states: [], removal: true } }, { removal: true }, "open"],
    ["one that cannot be removed", {}, { removal: true }, "unreachable"],
    ["a failure that spoils the goal", { lastFailure: failure }, { states: ["LIVE"] }, "failed"],
    ["a failure that leads to the goal", { lastFailure: failure }, { states: ["BROKEN"] }, "open"],
    ["one of two goals that is left", { lastFailure: failure }, { states: ["LIVE", "BROKEN"] }, "open"],
    ["a way round a failure", { state: "LIVE", lastFailure: failure }, { states: ["LIVE"] }, "failed"],
    ["the very state that failed", { state: "BUILD", lastFailure: failure }, { states: ["BUILD"] }, "reached"],
    ["a failure of before", { lastFailure: { ...failure, at: at(4) } }, { states: ["LIVE"] }, "open"],
    ["a failure that is resolved", { lastFailure: { ...failure, resolvedAt: at(6) } }, { states: ["LIVE"] }, "open"],
  ])("of %s", (_, stack, goal, kind) => {
    expect(evaluate(stack, goal).kind).toBe(kind);
  });

  it("goes by what is known where the machine is not", () => {
    const { reachable: _, ...unknown } = aStack();
    const { missed: __, ...bare } = failure;
    const kinds = [
      unknown,
      { ...unknown, stalled: { code: "LOOP_LIMIT", reason: "It runs in circles." } },
      { ...unknown, lastFailure: bare },
    ].map((stack) => evaluateGoal(stack, { states: ["LIVE"] }, { after: line, first: undefined }).kind);

    expect(kinds).toEqual(["open", "unreachable", "failed"]);
  });

  it("counts without an event what has failed since the first look, or fails now", () => {
    const first = aStack({ lastFailure: { ...failure, at: at(4) } });
    const kindOf = (stack: Partial<StackDetails>) =>
      evaluateGoal(aStack(stack), { states: ["LIVE"] }, { after: undefined, first }).kind;

    expect([kindOf(first), kindOf({ lastFailure: failure })]).toEqual(["open", "failed"]);
    expect(kindOf({ lastFailure: { ...failure, at: at(4), entry: 2 } })).toBe("failed");
  });

  it("says what has failed, with the tool's words, and where the stack is", () => {
    expect(evaluate({ lastFailure: failure }, { states: ["LIVE"], removal: true })).toMatchObject({
      message:
        'Stack "pr-1" will not be in LIVE or removed: task "deploy" failed in BUILD (NOPE: terraform apply ended with exit code 1. error: no quota). It is in CLEANUP now.',
    });
    expect(evaluate({ state: "BROKEN", summary: "Waits for an event: PUSHED." }, { states: ["ASLEEP"] })).toMatchObject(
      {
        message: 'Stack "pr-1" will not be in ASLEEP by itself: it is in BROKEN. Waits for an event: PUSHED.',
      },
    );
  });
});
