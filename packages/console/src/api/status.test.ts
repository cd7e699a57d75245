import { describe, expect, it } from "vitest";
import { type StatusSource, toAttemptStatus, toOutcomeStatus, toStackStatus, toTaskStatus } from "./status.ts";

const stack = (changes: Partial<StatusSource>): StatusSource => ({ tasks: [], ...changes });
const task = (status: "PENDING" | "SATISFIED" | "ERROR", detail?: string) => ({ status, ...(detail && { detail }) });

const left = { task: "smoke", state: "DEPLOY", entry: 1, attempt: 1, at: "2026-11-20T03:00:00Z" };

describe("toTaskStatus", () => {
  it.each([
    [task("PENDING"), "running"],
    [task("PENDING", "QUEUED"), "queued"],
    [task("PENDING", "APPROVING"), "approval"],
    [task("SATISFIED", "SKIPPED"), "skipped"],
    [task("ERROR", "CANCELLED"), "cancelled"],
    [task("ERROR"), "failed"],
    [task("SATISFIED", "LATER"), "succeeded"],
    [task("SATISFIED", "constructor"), "succeeded"],
  ] as const)("shows %j as %s", (given, status) => {
    expect(toTaskStatus(given)).toBe(status);
  });
});

describe("toStackStatus", () => {
  it.each([
    ["failed", { failed: true, overdue: true }],
    ["failed", { machine: "stackyard.run", state: "FAILED" }],
    ["healthy", { machine: "web", state: "FAILED" }],
    ["degraded", { mainCondition: "degraded" }],
    ["acknowledged", { mainCondition: "degraded", lastFailure: { ...left, acknowledged: { at: left.at } } }],
    ["overdue", { mainCondition: "overdue", lastFailure: { ...left, acknowledged: { at: left.at } } }],
    ["overdue", { stalled: { code: "LOOP_LIMIT", reason: "" }, overdue: true }],
    ["stalled", { stalled: { code: "LOOP_LIMIT", reason: "" }, tasks: [task("PENDING")] }],
    ["asleep", { mainCondition: "asleep", tasks: [task("PENDING")] }],
    ["overdue", { overdue: true, tasks: [task("PENDING")] }],
    ["approval", { tasks: [task("PENDING", "APPROVING"), task("PENDING")] }],
    ["busy", { tasks: [task("PENDING"), task("PENDING", "WAITING")] }],
    ["waiting", { parked: [{}] }],
    ["healthy", { tasks: [task("SATISFIED")] }],
  ] as const)("is %s for the worst of %j", (status, given) => {
    expect(toStackStatus(stack(given))).toBe(status);
  });
});

describe("toAttemptStatus, toOutcomeStatus", () => {
  it("shows how an attempt ended, and a neutral mark for what is unknown here", () => {
    expect(toAttemptStatus({ status: "settled", outcome: "failed" })).toBe("failed");
    expect(toAttemptStatus({ status: "settled", outcome: "closed" })).toBe("skipped");
    expect(toAttemptStatus({ status: "suspended" })).toBe("running");
    expect(toOutcomeStatus("refused")).toBe("rejected");
    expect(toOutcomeStatus("else" as "refused")).toBe("skipped");
  });
});
