import type { Attempt } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { anAttempt, anEntry, aStack } from "../../testing/a-stack.ts";
import { toAttemptRows } from "./attempt-rows.ts";

const at = (minute: number) => `2026-11-20T03:${String(minute).padStart(2, "0")}:00.000Z`;
const attempt = (number: number, more: Partial<Attempt> = {}) =>
  anAttempt({
    attemptId: `pr-12/open/2/database/${number}`,
    task: "database",
    attempt: number,
    status: "settled",
    outcome: "failed",
    dispatchedAt: at(10 * number),
    ...more,
  });
const stack = aStack({ enteredAt: at(5), tasks: [{ name: "database", status: "ERROR", why: "No room." }] });
const ended = (number: number, minute: number) =>
  anEntry(minute, {
    event: "TASK_ERROR",
    internal: true,
    eventId: `end:pr-12/open/2/database/${number}`,
    at: at(minute),
  });

describe("toAttemptRows", () => {
  it("gives each attempt its time, and says since when a failed task waits for a person", () => {
    const rows = toAttemptRows(stack, [attempt(2), attempt(1)], [ended(2, 24), ended(1, 12)]);

    expect(rows).toHaveLength(1);
    const [row] = rows;
    expect(row?.bars.map(({ number, from, to }) => [number, from, to])).toEqual([
      [1, Date.parse(at(10)), Date.parse(at(12))],
      [2, Date.parse(at(20)), Date.parse(at(24))],
    ]);
    expect([row?.status, row?.stuckSince]).toEqual(["failed", Date.parse(at(24))]);
  });

  it("leaves attempts of earlier entries out, and ends one without its line where the next begins", () => {
    const old = attempt(9, { attemptId: "pr-12/open/1/database/9", dispatchedAt: at(1) });

    const [row] = toAttemptRows(stack, [old, attempt(1), attempt(2)], []);

    expect(row?.bars.map(({ number, to }) => [number, to])).toEqual([
      [1, Date.parse(at(20))],
      [2, Date.parse(at(20))],
    ]);
  });

  it("leaves an attempt that runs open, and a task that was not sent without one", () => {
    const { outcome: _outcome, ...running } = attempt(1, { status: "running" });
    const waiting = { name: "smoke", status: "PENDING" as const, detail: "WAITING", why: "Needs database." };
    const now = aStack({
      enteredAt: at(5),
      tasks: [{ name: "database", status: "PENDING", why: "Runs." }, waiting],
    });

    const rows = toAttemptRows(now, [running], []);

    expect(rows.map(({ bars, stuckSince }) => [bars.map(({ to }) => to), stuckSince])).toEqual([
      [[undefined], undefined],
      [[], undefined],
    ]);
  });
});
