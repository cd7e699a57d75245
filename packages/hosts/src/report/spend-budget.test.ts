import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Budget, NO_BUDGET, type Spending, spendBudget } from "./spend-budget.ts";

const MINUTE = 60_000;
const comment: Spending = { comments: 1, writes: 0, isUrgent: true };

/** Sends as often as the budget allows until a time, and returns when. */
function sendUntil(end: number, spending: Spending, start: { readonly now: number; readonly budget?: Budget }) {
  let { now, budget = NO_BUDGET } = start;
  const sent: number[] = [];
  while (now < end) {
    const spent = spendBudget(budget, spending, now);
    if (spent.kind === "wait") {
      expect(spent.until).toBeGreaterThan(now);
      now = spent.until;
    } else {
      budget = spent.budget;
      sent.push(now);
    }
  }
  return { sent, budget };
}

/** The largest number of instants in any window of this length. */
function countMost(sent: readonly number[], windowMs: number): number {
  return Math.max(0, ...sent.map((from) => sent.filter((at) => at >= from && at < from + windowMs).length));
}

describe("the budget of an installation", () => {
  it("allows 60 comments in any minute, and 450 in any hour", () => {
    const { sent } = sendUntil(150 * MINUTE, comment, { now: 5_000 });

    expect(countMost(sent, MINUTE)).toBe(60);
    expect(countMost(sent, 60 * MINUTE)).toBe(450);
  });

  it("allows 150 writes in any minute, comments among them", () => {
    const { sent } = sendUntil(10 * MINUTE, { comments: 0, writes: 1, isUrgent: true }, { now: 3 });
    expect(countMost(sent, MINUTE)).toBe(150);

    const { sent: both } = sendUntil(10 * MINUTE, { comments: 1, writes: 4, isUrgent: true }, { now: 3 });
    expect(countMost(both, MINUTE)).toBe(30);
  });

  it("leaves the half of every limit to what is urgent", () => {
    const usual = { ...comment, isUrgent: false };
    const { sent, budget } = sendUntil(MINUTE - 1, usual, { now: 0 });

    expect(sent).toHaveLength(30);
    expect(spendBudget(budget, usual, MINUTE - 1).kind).toBe("wait");
    expect(spendBudget(budget, comment, MINUTE - 1).kind).toBe("spent");
  });

  it("stays small, and never exceeds its limits, whatever is sent when", () => {
    const steps = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 30_000 }), fc.integer({ min: 0, max: 3 }), fc.boolean()),
      {
        maxLength: 300,
      },
    );

    fc.assert(
      fc.property(steps, (taken) => {
        let now = 0;
        let budget = NO_BUDGET;
        const sent: number[] = [];
        for (const [passed, comments, isUrgent] of taken) {
          now += passed;
          const spent = spendBudget(budget, { comments, writes: 1, isUrgent }, now);
          if (spent.kind === "wait") continue;
          budget = spent.budget;
          for (let each = 0; each < comments; each++) sent.push(now);
        }
        expect(countMost(sent, MINUTE)).toBeLessThanOrEqual(60);
        expect(budget.writes.length).toBeLessThanOrEqual(361);
      }),
    );
  });
});
