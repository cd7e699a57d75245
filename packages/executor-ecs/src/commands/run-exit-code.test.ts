import type { Run } from "@stackyard/sdk/runs";
import { describe, expect, it } from "vitest";
import { toRunExitCode } from "./run-exit-code.ts";

const run: Run = { runId: "run-7", state: "failed", executor: "ecs", config: {}, startedAt: "" };

describe("toRunExitCode", () => {
  it.each([
    ["ECS_EXIT_CODE", 1],
    ["ECS_TASK_STOPPED", 1],
    ["ECS_TASK_LOST", 2],
    ["ECS_TIMEOUT", 2],
    ["ECS_PLACEMENT_FAILED", 3],
    ["ECS_TASK_DEFINITION", 3],
    ["EXECUTOR_UNKNOWN", 3],
  ])("for %s", (code, exitCode) => {
    expect(toRunExitCode({ ...run, error: { code, message: "" } })).toBe(exitCode);
  });

  it.each([
    ["ECS_AWS_ERROR", '["arn:1"]', 2],
    ["ECS_AWS_ERROR", "[]", 3],
    ["ECS_PLACEMENT_FAILED", '["arn:1"]', 1],
    ["ECS_PLACEMENT_FAILED", "[]", 3],
  ])("for %s with the tasks %s, since a script must not run them twice", (code, taskArns, exitCode) => {
    expect(toRunExitCode({ ...run, error: { code, message: "" }, outputs: { taskArns } })).toBe(exitCode);
  });

  it("for a success and for a cancel", () => {
    expect([toRunExitCode({ ...run, state: "succeeded" }), toRunExitCode({ ...run, state: "cancelled" })]).toEqual([
      0, 1,
    ]);
  });
});
