import { describe, expect, it } from "vitest";
import { isRetryable } from "./is-retryable.ts";
import type { TaskFailure } from "./judge.ts";

const notStarted: TaskFailure = { code: "ECS_TASK_NOT_STARTED", taskArn: "t", container: "app" };

describe("isRetryable", () => {
  it.each([
    { ...notStarted, code: "ECS_TASK_STOPPED", stopCode: "SpotInterruption" } as const,
    { ...notStarted, code: "ECS_EXIT_CODE", exitCode: 143, stopCode: "TerminationNotice" } as const,
    { ...notStarted, stopCode: "InfrastructureHealth" },
    { ...notStarted, reason: "CannotPullContainerError: net/http: request canceled (Client.Timeout exceeded)" },
    { ...notStarted, stoppedReason: "CannotPullContainerError: i/o timeout" },
    { ...notStarted, stoppedReason: "Capacity is unavailable at this time." },
  ])("of %j", (failure) => {
    expect(isRetryable([failure])).toBe(true);
  });

  it.each([
    { ...notStarted, code: "ECS_EXIT_CODE", exitCode: 1, stopCode: "EssentialContainerExited" } as const,
    { ...notStarted, code: "ECS_TASK_STOPPED", stopCode: "UserInitiated" } as const,
    { ...notStarted, code: "ECS_EXIT_CODE", exitCode: 1, reason: "CannotPullContainerError: timeout" } as const,
    { ...notStarted, reason: "CannotPullContainerError: not found" },
    notStarted,
  ])("is not of %j", (failure) => {
    expect(isRetryable([failure])).toBe(false);
  });

  it("needs that of every failure", () => {
    const interrupted = { ...notStarted, stopCode: "SpotInterruption" };

    expect(isRetryable([interrupted, notStarted])).toBe(false);
    expect(isRetryable([interrupted, interrupted])).toBe(true);
    expect(isRetryable([])).toBe(false);
  });
});
