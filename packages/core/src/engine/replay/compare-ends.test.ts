import { describe, expect, it } from "vitest";
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

  it("does not care where an attempt stands", () => {
    const task = (detail?: "RUNNING") => [{ name: "app", status: "PENDING", ...(detail && { detail }) } as const];

    expect(compareEnds(aStack({ tasks: task() }), aStack({ tasks: task("RUNNING") }))).toEqual([]);
  });
});
