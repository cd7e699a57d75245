import { describe, expect, it } from "vitest";
import { aStack } from "../../testing/builders.ts";
import { correctInstants } from "./correct-instants.ts";

const MINUTE = 60_000;
const T = Date.UTC(2026, 0, 1);
const AHEAD = T + 30 * 24 * 60 * MINUTE;
const approval = { id: "a", from: ["ops"], count: 1, askedAt: AHEAD, expiresAt: AHEAD + 9 * MINUTE, given: [] };

describe("what a clock that was ahead has noted", () => {
  it("lets retries and approvals wait again, and forgets its entries", () => {
    const timers = [
      { id: "1/retry/db", event: "TASK_RETRY_DUE", task: "db", dueAt: AHEAD + 5 * MINUTE },
      { id: "1/approval/ok", event: "TASK_TIMED_OUT", task: "ok", dueAt: AHEAD + 9 * MINUTE },
    ];
    const stack = aStack({ updatedAt: AHEAD, enteredAt: T, timers, approvals: { ok: approval } });

    const corrected = correctInstants({ ...stack, automaticEntries: [T - 1, AHEAD] }, T);

    expect(corrected?.timers.map(({ dueAt }) => dueAt)).toEqual([T + 5 * MINUTE, T + 9 * MINUTE]);
    expect(corrected).toMatchObject({
      updatedAt: T,
      enteredAt: T,
      automaticEntries: [T - 1],
      approvals: { ok: { askedAt: T, expiresAt: T + 9 * MINUTE } },
    });
  });

  it("keeps a stack that a right clock has decided last, and one of clocks that differ by minutes", () => {
    expect(correctInstants(aStack({ updatedAt: T }), T)).toBeUndefined();
    expect(correctInstants(aStack({ updatedAt: T + 4 * MINUTE }), T)).toBeUndefined();
  });
});
