import { describe, expect, it } from "vitest";
import { aStack } from "../testing/builders.ts";
import { evaluateStanding } from "./stack-standing.ts";

const place = { until: ["LIVE"], failed: ["BROKEN"] };
const pending = [{ name: "build", status: "PENDING" }] as const;
const failure = { task: "build", state: "BUILD", entry: 1, attempt: 1, at: 1, code: "FULL", message: "no space" };
const hasFailed = { kind: "failed", code: "STACK_FAILED", message: "build has failed in BUILD. FULL: no space" };

describe("the standing of a stack at a place", () => {
  it.each([
    ["arrived", { state: "LIVE" }],
    ["elsewhere", { state: "PAUSED" }],
    ["moving", { state: "LIVE", tasks: pending }],
    ["moving", { state: "LIVE", awaitsRuns: true }],
    ["arrived", { state: "LIVE", entry: 2, lastFailure: { ...failure, resolvedAt: 2 } }],
  ] as const)("is %s: %j", (kind, changes) => {
    expect(evaluateStanding(aStack(changes), place)).toEqual({ kind });
  });

  it("is failed where the machine stays on what ran before, also when a person has acknowledged that", () => {
    const left = { state: "LIVE", entry: 2, lastFailure: failure };
    const acknowledged = { ...left, lastFailure: { ...failure, acknowledged: { at: 2 } } };

    expect(evaluateStanding(aStack(left), place)).toEqual(hasFailed);
    expect(evaluateStanding(aStack(acknowledged), place)).toEqual(hasFailed);
  });

  it("awaits what the stack does about its failure by itself", () => {
    const back = { state: "BACK", entry: 2, lastFailure: failure, tasks: pending };

    expect(evaluateStanding(aStack(back), place)).toEqual({ kind: "moving" });
  });

  it("is failed in a state of failed, stalled, overdue, or with a failed task", () => {
    const stalled = { code: "LOOP_LIMIT", reason: "circles" };
    const error = [{ name: "build", status: "ERROR", errorCode: "FULL", errorMessage: "no space" }] as const;
    const codeOf = (changes: Parameters<typeof aStack>[0]) => {
      const standing = evaluateStanding(aStack(changes), place);
      return standing.kind === "failed" ? [standing.code, standing.message] : [standing.kind];
    };

    expect(codeOf({ state: "BROKEN" })).toEqual(["STACK_BROKEN", "The stack is in BROKEN."]);
    expect(codeOf({ state: "BROKEN", entry: 2, lastFailure: failure })).toEqual([
      "STACK_BROKEN",
      `The stack is in BROKEN. ${hasFailed.message}`,
    ]);
    expect(codeOf({ state: "LIVE", stalled, tasks: pending })).toEqual(["STACK_STALLED", "LOOP_LIMIT: circles"]);
    expect(codeOf({ state: "LIVE", overdue: true })).toEqual(["STACK_OVERDUE", "The time of LIVE is over."]);
    expect(codeOf({ state: "BUILD", tasks: error, failed: true })).toEqual(["STACK_FAILED", hasFailed.message]);
    // FAILED leads nowhere: the failed task stays in the state where the stack was to arrive.
    expect(codeOf({ state: "LIVE", tasks: error })).toEqual([
      "STACK_FAILED",
      "build has failed in LIVE. FULL: no space",
    ]);
  });

  it("knows no place where every state is right", () => {
    expect(evaluateStanding(aStack({ state: "ASLEEP" }), { until: [], failed: [] })).toEqual({ kind: "arrived" });
  });
});
