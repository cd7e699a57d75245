import { describe, expect, it } from "vitest";
import { aStack } from "../testing/builders.ts";
import type { LastFailure } from "./stack.ts";
import { evaluateHealth, listOpenFailures } from "./stack-health.ts";

const pending = [{ name: "app", status: "PENDING" }] as const;
const failed = [{ name: "app", status: "ERROR", errorCode: "OOM" }] as const;
const failure: LastFailure = { task: "app", state: "BUILD", entry: 1, attempt: 1, at: 1 };
const stalled = { code: "LOOP_LIMIT", reason: "…" };
const acknowledged = { at: 5, by: "ada", reason: "known" };
const job = { machine: "stackyard.run", state: "FAILED" };

describe("the main condition of a stack", () => {
  it.each([
    ["failed", { tasks: failed, overdue: true }, 0],
    ["failed", job, 0],
    ["failed", { ...job, lastFailure: { ...failure, code: "OOM" } }, 0],
    ["cancelled", { ...job, lastFailure: { ...failure, code: "TASK_CANCELLED" } }, 0],
    ["degraded", { lastFailure: failure, entry: 2, overdue: true }, 0],
    ["degraded", { lastFailure: { ...failure, acknowledged }, entry: 2 }, 0],
    ["overdue", { overdue: true, stalled, tasks: pending }, 0],
    ["stalled", { stalled, approvals: {} }, 0],
    ["approval", { approvals: {}, tasks: pending }, 0],
    ["busy", { tasks: pending }, 1],
    ["waiting", {}, 1],
    ["waiting", { state: "ASLEEP" }, 1],
    ["asleep", { state: "ASLEEP" }, 0],
    ["healthy", { state: "LIVE" }, 0],
    ["healthy", { lastFailure: { ...failure, resolvedAt: 2 }, entry: 2 }, 0],
  ] as const)("is %s, the first that is true: %j with %i parked events", (condition, changes, parked) => {
    expect(evaluateHealth(aStack(changes), parked).main).toBe(condition);
  });
});

describe("a stack that needs a person", () => {
  it.each([
    [true, { tasks: failed }],
    [true, { lastFailure: failure, entry: 2 }],
    [true, { overdue: true }],
    [true, { stalled }],
    [true, { approvals: {}, tasks: pending }],
    [false, { lastFailure: { ...failure, acknowledged }, entry: 2 }],
    [true, { lastFailure: { ...failure, acknowledged }, entry: 2, overdue: true }],
    [true, { lastFailure: { ...failure, acknowledged }, tasks: failed }],
    [false, { tasks: pending, lastFailure: failure, entry: 1 }],
    [false, {}],
    [false, job],
  ] as const)("%s: %j", (wanted, changes) => {
    expect(evaluateHealth(aStack(changes)).needsPerson).toBe(wanted);
  });

  it("is not one of a job, whose result belongs to its caller (rundeck#1234)", () => {
    const tasks = [{ name: "run", status: "ERROR" }] as const;

    expect(evaluateHealth(aStack({ tasks })).needsPerson).toBe(true);
    expect(evaluateHealth(aStack({ machine: "stackyard.run", state: "RUN", tasks }))).toMatchObject({
      main: "failed",
      needsPerson: false,
    });
  });
});

describe("a stack at rest", () => {
  it.each([
    [true, {}],
    [false, { tasks: pending }],
    [false, { awaitsRuns: true }],
    [true, { tasks: [...pending, { name: "other", status: "ERROR" }], failed: true }],
    [false, { tasks: [...pending, { name: "other", status: "ERROR" }] }],
    [true, { tasks: pending, stalled }],
  ] as const)("%s: %j", (wanted, changes) => {
    expect(evaluateHealth(aStack(changes)).isAtRest).toBe(wanted);
  });
});

describe("the open failures of a stack", () => {
  it("are the failed tasks of its state, or the failure that it has left behind", () => {
    const left = { ...failure, code: "OOM", message: "no memory" };

    expect(listOpenFailures(aStack({ lastFailure: left, entry: 2, state: "LIVE" }))).toEqual([left]);
    expect(listOpenFailures(aStack({ tasks: failed, lastFailure: left, entry: 1, state: "BUILD" }))).toEqual([
      { task: "app", state: "BUILD", code: "OOM", at: 1 },
    ]);
    expect(listOpenFailures(aStack({ lastFailure: { ...left, resolvedAt: 2 }, entry: 2 }))).toEqual([]);
  });
});
