import type { LastFailure } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { formatFailure, formatFailureCell, toOneLine } from "./format-failure.ts";

const out = { paint: (_style: string, text: string) => text };
const failure: LastFailure = {
  task: "db",
  state: "BUILD",
  entry: 1,
  attempt: 2,
  at: "2026-01-01T00:00:00.000Z",
  code: "QUOTA",
  message: "terraform apply ended with exit code 1.\n\nerror: no quota",
};
const now = Date.parse("2026-01-01T00:01:00.000Z");
const format = (given: Partial<LastFailure>) =>
  formatFailure({ ...failure, ...given }, { stackId: "pr-1", out, now }).split("\n");

describe("toOneLine", () => {
  it("keeps the beginning and the end of a long text", () => {
    expect([toOneLine(" a\n b ", 10), toOneLine(`first ${"x".repeat(90)} last`, 15)]).toEqual([
      "a b",
      "first  … x last",
    ]);
  });
});

describe("the last failure of a stack", () => {
  it("says task, state, code, attempt, age, what the tool printed, and where the log is", () => {
    expect(format({})).toEqual([
      "  db of BUILD  QUOTA  attempt 2, 1m ago (2026-01-01T00:00:00.000Z)",
      "    terraform apply ended with exit code 1.",
      "    error: no quota",
      "  Log: stackyard stacks logs pr-1 db",
    ]);
  });

  it("says that it is resolved, and names no log of a task that was never sent", () => {
    expect(format({ attempt: 0, message: "", resolvedAt: "2026-01-01T00:00:30.000Z" })).toEqual([
      "  db of BUILD  QUOTA  never sent, 1m ago, resolved 30s ago (2026-01-01T00:00:00.000Z)",
    ]);
  });

  it("shows the first and the last lines of a long message", () => {
    const message = Array.from({ length: 30 }, (_, index) => `line ${index + 1}`).join("\n");

    expect(format({ message }).slice(6, 9)).toEqual(["    line 6", "    …", "    line 25"]);
  });

  it("is one cell of a list, without what was said when it is resolved", () => {
    const resolved = { ...failure, resolvedAt: failure.at };

    expect([formatFailureCell(failure, out, now), formatFailureCell(resolved, out, now)]).toEqual([
      "db QUOTA 1m ago: terraform apply ended with exit code 1. error: no quota",
      "db QUOTA 1m ago, resolved",
    ]);
  });
});
