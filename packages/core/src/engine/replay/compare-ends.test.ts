import { describe, expect, it } from "vitest";
import type { StackTimer } from "../../machine/stack.ts";
import { aStack } from "../../testing/builders.ts";
import { compareEnds } from "./compare-ends.ts";

describe("compareEnds", () => {
  it("names what stands otherwise: state, tasks, metadata", () => {
    const before = aStack({ state: "LIVE", tasks: ["app"], metadata: { a: 1, b: 2 } });
    const after = aStack({
      state: "BUILD",
      tasks: [{ name: "app", status: "PENDING", detail: "WAITING" }, "db"],
      metadata: { a: 1, b: "2", c: true },
    });

    expect(compareEnds(before, after)).toEqual([
      { what: "state", before: "LIVE", after: "BUILD" },
      { what: "task app", before: "PENDING", after: "PENDING WAITING" },
      { what: "metadata b", before: 2, after: "2" },
      { what: "task db", before: null, after: "PENDING" },
      { what: "metadata c", before: null, after: true },
    ]);
  });

  it("compares secrets by their references, and shows none", () => {
    const stack = (password: string, version: number) =>
      aStack({ metadata: { password }, secretVersions: { password: version } });

    expect(compareEnds(stack("hunter22", 3), stack("password#3", 3))).toEqual([]);
    expect(compareEnds(stack("hunter22", 3), stack("hunter22", 2))).toEqual([
      { what: "metadata password", before: "***", after: "***" },
    ]);
  });

  it("says that there would be no stack", () => {
    expect(compareEnds(aStack({ state: "LIVE" }), undefined)).toEqual([{ what: "state", before: "LIVE", after: null }]);
  });

  it("names timers that would be due at another time, or are in one of them only", () => {
    const stack = (timers: readonly StackTimer[]) => aStack({ state: "LIVE", timers });
    const at = (ms: number) => new Date(ms).toISOString();
    const expire = { id: "1/after/0", event: "EXPIRE", dueAt: 7_200_000 };
    const present = stack([expire, { id: "1/timeout", event: "TIMEOUT", dueAt: 1_000 }]);
    const replayed = stack([
      { ...expire, dueAt: 3_600_000 },
      { id: "1/after/1", event: "WARN", dueAt: 5_000 },
    ]);

    expect(compareEnds(present, present)).toEqual([]);
    expect(compareEnds(present, replayed)).toEqual([
      { what: "timer EXPIRE", before: at(7_200_000), after: at(3_600_000) },
      { what: "timer TIMEOUT", before: at(1_000), after: null },
      { what: "timer WARN", before: null, after: at(5_000) },
    ]);
  });

  it("takes a retry that chance has drawn for the same within its bounds", () => {
    const retry = (dueAt: number, jitterMs?: number) =>
      aStack({
        timers: [{ id: "1/retry/db", event: "TASK_RETRY_DUE", task: "db", dueAt, ...(jitterMs && { jitterMs }) }],
      });

    expect(compareEnds(retry(7_000), retry(10_000, 5_000))).toEqual([]);
    expect(compareEnds(retry(4_000), retry(10_000, 5_000))).toMatchObject([{ what: "retry db" }]);
  });

  it("does not care where an attempt stands", () => {
    const task = (detail?: "RUNNING") => [{ name: "app", status: "PENDING", ...(detail && { detail }) } as const];

    expect(compareEnds(aStack({ tasks: task() }), aStack({ tasks: task("RUNNING") }))).toEqual([]);
  });
});
