import { describe, expect, it } from "vitest";
import { aStack } from "../testing/builders.ts";
import { toMainCondition } from "./main-condition.ts";

describe("toMainCondition", () => {
  const pending = [{ name: "app", status: "PENDING" }] as const;
  const failed = [{ name: "app", status: "ERROR" }] as const;
  const failure = { task: "app", state: "BUILD", entry: 1, attempt: 1, at: 1 };
  const stalled = { code: "LOOP_LIMIT", reason: "…" };

  it.each([
    ["failed", { tasks: failed, overdue: true }, 0],
    ["failed", { machine: "stackyard.run", state: "FAILED" }, 0],
    ["degraded", { lastFailure: failure, entry: 2, overdue: true }, 0],
    ["overdue", { overdue: true, stalled, tasks: pending }, 0],
    ["stalled", { stalled, approvals: {} }, 0],
    ["approval", { approvals: {}, tasks: pending }, 0],
    ["busy", { tasks: pending }, 1],
    ["waiting", {}, 1],
    ["waiting", { state: "ASLEEP" }, 1],
    ["asleep", { state: "ASLEEP" }, 0],
    ["healthy", { state: "LIVE" }, 0],
  ] as const)("returns %s, the first that is true: %j with %i parked events", (condition, changes, parked) => {
    expect(toMainCondition(aStack(changes), parked)).toBe(condition);
  });
});
