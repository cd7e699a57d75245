import { describe, expect, it } from "vitest";
import type { JobSource } from "../machine/job-machine.ts";
import { evaluateHealth } from "../machine/stack-health.ts";
import type { HistoryEntry } from "../ports/stack-store.ts";
import { aStack } from "../testing/builders.ts";
import { toJobView } from "./load-job.ts";

const source: JobSource = {
  machine: "stackyard.run",
  executor: "work",
  config: {},
  timeoutMs: 1_000,
  cancelWithinMs: 1_000,
};

function aLine(line: Partial<HistoryEntry>): HistoryEntry {
  return {
    stackId: "run-1",
    at: 5,
    eventId: "e",
    event: "START",
    outcome: "applied",
    sent: [],
    notes: [],
    ...line,
  };
}

function view(facts: Partial<Parameters<typeof toJobView>[0]>) {
  const none = { stack: undefined, lines: [], attempt: undefined, askedAt: 1 };
  const { jobId: _, executor: __, config: ___, ...rest } = toJobView({ jobId: "run-1", source, ...none, ...facts });
  return rest;
}

describe("toJobView", () => {
  it("is waiting while there is neither a stack nor a line of history", () => {
    expect(view({})).toEqual({ state: "waiting", startedAt: 1 });
  });

  it("has failed where its start was dead-lettered, with the reason", () => {
    const lines = [aLine({ outcome: "dead-lettered", code: "MACHINE_UNKNOWN", reason: "The revision is not kept." })];

    const error = { code: "MACHINE_UNKNOWN", message: "The revision is not kept." };
    expect(view({ lines })).toEqual({ state: "failed", error, startedAt: 1, endedAt: 5 });
  });

  it("is waiting while its start is parked", () => {
    expect(view({ lines: [aLine({ outcome: "parked", code: "MACHINE_UNKNOWN" })] }).state).toBe("waiting");
  });

  it("is read from the state of its stack where the lines of its end are gone", () => {
    const lines = [aLine({ outcome: "ignored", code: "DUPLICATE" })];

    const stack = { ...aStack({ state: "FAILED" }), enteredAt: 9 };
    expect(view({ stack, lines })).toEqual({ state: "failed", startedAt: stack.createdAt, endedAt: 9 });
    expect(view({ stack: { ...stack, state: "DONE" }, lines }).state).toBe("succeeded");
  });

  it("is cancelled where its stack was, as lists of stacks have it, also without the line of its end", () => {
    const lastFailure = { task: "run", state: "RUN", entry: 1, attempt: 1, at: 9, code: "TASK_CANCELLED" };
    const stack = { ...aStack({ machine: "stackyard.run", state: "FAILED" }), enteredAt: 9, lastFailure };

    expect(evaluateHealth(stack).main).toBe("cancelled");
    expect(view({ stack, lines: [aLine({ outcome: "ignored", code: "DUPLICATE" })] }).state).toBe("cancelled");
  });

  it("counts one that was settled by hand as succeeded", () => {
    const lines = [aLine({ event: "SETTLE_TASK", from: "RUN", to: "DONE", at: 8 })];

    expect(view({ lines })).toEqual({ state: "succeeded", startedAt: 1, endedAt: 8 });
  });

  it("shows the last end of a job that was retried", () => {
    const lines = [
      aLine({ event: "TASK_CANCELLED", from: "RUN", to: "FAILED", at: 9 }),
      aLine({ event: "RETRY", from: "FAILED", to: "RUN", at: 8 }),
      aLine({ event: "TASK_ERROR", code: "X", description: "no", from: "RUN", to: "FAILED", at: 7 }),
    ];

    expect(view({ lines, askedAt: undefined })).toEqual({ state: "cancelled", startedAt: 7, endedAt: 9 });
  });
});
