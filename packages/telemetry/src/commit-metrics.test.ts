import type { Change } from "@stackyard/core/engine";
import { aStack } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { toCommitMetrics } from "./commit-metrics.ts";

const change: Change = {
  stackId: "pr-12",
  expectedVersion: 1,
  write: { kind: "keep" },
  now: 90_000,
  appliedIds: [],
  park: [],
  unpark: [],
  setAside: [],
  history: [],
  dispatches: [],
  cancels: [],
  closes: [],
  acknowledges: [],
};
const line: Change["history"][number] = {
  stackId: "pr-12",
  at: 0,
  eventId: "e1",
  event: "PUSHED",
  outcome: "applied",
  sent: [],
  notes: [],
};
const live = aStack({ state: "LIVE", entry: 3, enteredAt: 30_000 });
const tell = (given: Partial<Change>, stack: typeof live | undefined = live) =>
  toCommitMetrics({ ...change, ...given }, { stack }).map(({ name, value, dimensions }) => [
    name,
    value,
    ...Object.values(dimensions),
  ]);

describe("the metrics of a commit", () => {
  it("count events by what became of them, and refusals by their code", () => {
    const history = [
      line,
      { ...line, outcome: "parked", code: "EVENT_NOT_HANDLED" },
      { ...line, outcome: "ignored", code: "DUPLICATE" },
    ] as const;

    expect(tell({ history })).toEqual([
      ["events", 1, "applied"],
      ["events", 1, "parked"],
      ["events", 1, "ignored"],
      ["refused_events", 1, "review-app", "EVENT_NOT_HANDLED"],
    ]);
  });

  it("count failed tasks by code, and take no text of a runner for one", () => {
    const failure = { ...line, event: "TASK_ERROR" };
    const history = [
      { ...failure, code: "LAMBDA_FAILED" },
      failure,
      { ...failure, code: "it broke at 10:31" },
      { ...failure, outcome: "refused" as const },
    ];

    const failures = tell({ history }).filter(([name]) => name === "task_failures");

    expect(failures).toEqual([
      ["task_failures", 1, "review-app", "LAMBDA_FAILED"],
      ["task_failures", 1, "review-app", "none"],
      ["task_failures", 1, "review-app", "other"],
    ]);
  });

  it("tell how long a stack was in the state that it leaves", () => {
    const write = { kind: "put", stack: { ...live, state: "BUILD", entry: 4, enteredAt: 90_000 } } as const;

    expect(tell({ write })).toEqual([["state_duration_seconds", 60, "review-app", "LIVE"]]);
    expect(tell({ write: { kind: "remove" } })).toEqual([["state_duration_seconds", 60, "review-app", "LIVE"]]);
  });

  it("tell no time of a stack that stays, is new or was not changed", () => {
    expect(tell({ write: { kind: "put", stack: live } })).toEqual([]);
    expect(tell({ write: { kind: "keep" } })).toEqual([]);
    expect(toCommitMetrics({ ...change, write: { kind: "put", stack: live } }, { stack: undefined })).toEqual([]);
  });

  it("count a stack that stalls once", () => {
    const stalled = { ...live, stalled: { code: "LOOP_LIMIT", reason: "…" } };

    expect(tell({ write: { kind: "put", stack: stalled } })).toEqual([["stalls", 1, "LOOP_LIMIT"]]);
    expect(tell({ write: { kind: "put", stack: stalled } }, stalled)).toEqual([]);
  });

  it("take no machine's name from a sender", () => {
    const history = [{ ...line, outcome: "set-aside", code: "MACHINE_UNKNOWN" }] as const;

    const told = toCommitMetrics({ ...change, history }, { stack: undefined });

    expect(told.map(({ dimensions }) => dimensions)).toContainEqual({ machine: "none", code: "MACHINE_UNKNOWN" });
  });
});
