import type { StackDetails } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { tellStack } from "./tell-stack.ts";

const at = "2026-01-01T00:00:00.000Z";

function tell(why: string, progressMessage: string): string {
  const attempt = { attemptId: "a", stackId: "s", task: "work", entry: 1, attempt: 1, status: "running" } as const;
  const times = { dispatchedAt: at, deadlineAt: at };
  const stack: StackDetails = {
    ...{ id: "s", machine: "m", machineHash: "0".repeat(64), state: "RUN", previousState: null, metadata: {} },
    ...{ createdAt: at, updatedAt: at, enteredAt: at, life: "e", entry: 1, version: 1, summary: "Waits for work." },
    tasks: [
      {
        ...{ name: "work", status: "PENDING", why },
        attempt: { ...attempt, ...times, heldKeys: [], hasLog: false, progressMessage },
      },
    ],
    ...{ attempts: [], parked: [], timers: [] },
  };
  return tellStack(stack, { paint: (_style, text) => text }, Date.parse(at));
}

describe("tellStack", () => {
  it("tells the progress of a task once", () => {
    expect(tell("Runs at worker w since 1s: try 4", "try 4")).toMatch(/since 1s: try 4$/);
  });

  it("tells the progress where the reason does not", () => {
    expect(tell("It was asked to stop.", "try 4")).toMatch(/asked to stop\. try 4$/);
  });
});
