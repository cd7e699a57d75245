import type { StackDetails, StackSummary } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { tellStack, toWaitingRow } from "./tell-stack.ts";

const at = "2026-01-01T00:00:00.000Z";

function tell(why: string, progressMessage: string): string {
  const attempt = { attemptId: "a", stackId: "s", task: "work", entry: 1, attempt: 1, status: "running" } as const;
  const times = { dispatchedAt: at, deadlineAt: at };
  const stack: StackDetails = {
    id: "s",
    machine: "m",
    machineHash: "0".repeat(64),
    state: "RUN",
    previousState: null,
    metadata: {},
    createdAt: at,
    updatedAt: at,
    enteredAt: at,
    life: "e",
    entry: 1,
    version: 1,
    summary: "Waits for work.",
    tasks: [
      {
        name: "work",
        status: "PENDING",
        why,
        attempt: { ...attempt, ...times, heldKeys: [], hasLog: false, progressMessage },
      },
    ],
    attempts: [],
    parked: [],
    timers: [],
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

describe("a row of a list of those that wait", () => {
  const summary = (more: Partial<StackSummary>): StackSummary => ({
    id: "s",
    machine: "m",
    machineHash: "",
    state: "RUN",
    previousState: null,
    metadata: {},
    tasks: [],
    createdAt: at,
    updatedAt: at,
    enteredAt: at,
    life: "e",
    entry: 1,
    version: 1,
    ...more,
  });
  const plain = { paint: (_style: string, text: string) => text };

  it("tells how the stack stands, and what it waits for", () => {
    const waiting = { summary: "Waits for db." };

    const rows = [
      summary({ waiting, overdue: true, failed: true }),
      summary({ waiting, stalled: { code: "LOOP_LIMIT", reason: "" }, failed: true }),
      summary({}),
    ].map((stack) => toWaitingRow(stack, plain, Date.parse(at) + 61_000));

    expect(rows).toEqual([
      ["s", "m", "RUN failed overdue", "1m 1s", "Waits for db."],
      ["s", "m", "RUN LOOP_LIMIT", "1m 1s", "Waits for db."],
      ["s", "m", "RUN", "1m 1s", "It is gone."],
    ]);
  });
});
