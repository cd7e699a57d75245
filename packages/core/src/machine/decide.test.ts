import { describe, expect, it } from "vitest";
import { aMachine, anEvent, aStack } from "../testing/builders.ts";
import { decide } from "./decide.ts";

const machine = aMachine({ IDLE: { on: {}, tasks: [] } });

describe("decide", () => {
  it("rejects an event that the state does not handle, and names both", () => {
    const decision = decide(machine, aStack({ state: "IDLE" }), anEvent("LAUNCH"));

    expect(decision).toEqual({ kind: "rejected", code: "EVENT_NOT_HANDLED", reason: '"IDLE" has no "LAUNCH".' });
  });

  it("creates a stack, enters a state and sends its tasks", () => {
    const app = aMachine({
      INIT: { on: { OPENED: ["BUILD"] } },
      BUILD: { tasks: ["network", "db"], on: { NEXT: ["LIVE"] } },
      LIVE: {},
    });

    const decision = decide(app, undefined, anEvent("OPENED", { machine: "review-app", metadata: { sha: "a1" } }));

    const run = { entry: 1, attempt: 1, executor: "lambda" } as const;
    const shown = {
      id: "pr-12",
      previousState: "INIT",
      machine: "review-app",
      _state: "BUILD",
      tasks: [
        { name: "network", status: "PENDING" },
        { name: "db", status: "PENDING" },
      ],
      metadata: { sha: "a1" },
    };
    const toDispatch = (task: string) => ({
      ...run,
      task,
      attemptId: `pr-12/event-1/1/${task}/1`,
      stackId: "pr-12",
      life: "event-1",
      timeoutMs: 86_400_000,
      cancelWithinMs: 300_000,
      again: false,
      message: {
        task: { executor: "lambda", config: { name: task }, name: task },
        stack: shown,
        dispatch: { id: `pr-12/event-1/1/${task}/1`, attempt: 1, deadline: "1970-01-02T00:00:01.000Z" },
      },
    });
    const toRun = (task: string) => ({
      ...run,
      task,
      attemptId: `pr-12/event-1/1/${task}/1`,
      dispatchedAt: 1_000,
      cancelWithinMs: 300_000,
    });
    expect(decision).toEqual({
      kind: "applied",
      stack: {
        id: "pr-12",
        machine: "review-app",
        machineHash: "0".repeat(64),
        state: "BUILD",
        previousState: "INIT",
        tasks: shown.tasks,
        metadata: { sha: "a1" },
        createdAt: 1_000,
        updatedAt: 1_000,
        enteredAt: 1_000,
        life: "event-1",
        entry: 1,
        attempts: { network: 1, db: 1 },
        runs: [toRun("network"), toRun("db")],
        timers: [],
        automaticEntries: [],
      },
      removed: false,
      dispatches: [toDispatch("network"), toDispatch("db")],
      cancels: [],
      closes: [],
      notes: [],
    });
  });
});
