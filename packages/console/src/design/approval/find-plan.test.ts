import type { HistoryEntry } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { anAttempt } from "../../testing/a-stack.ts";
import { findPlan, findPlanAttempt } from "./find-plan.ts";

function aLine(outputs: unknown, more: Partial<HistoryEntry> = {}): HistoryEntry {
  return {
    position: 1,
    stackId: "shop",
    at: "2026-11-20T03:00:00Z",
    eventId: "e1",
    event: "TASK_SUCCESS",
    outcome: "applied",
    task: "plan",
    outputs,
    sent: [],
    notes: [],
    ...more,
  };
}

const outputs = {
  plan: "p-2",
  adds: 4,
  changes: 3,
  destroys: 1,
  forgets: 0,
  moves: 0,
  replacements: 1,
  monthly_cost: 38.2,
};

describe("findPlan", () => {
  it("counts what is lost first, and names what would not happen at all", () => {
    const plan = findPlan({}, [aLine({ ...outputs, problems: "aws_db.main is protected\n\nwarning: open port" })]);

    expect(plan?.changes.map(({ word, count }) => [word, count])).toEqual([
      ["destroyed", 1],
      ["forgotten", 0],
      ["changed", 3],
      ["added", 4],
    ]);
    expect(plan).toMatchObject({ task: "plan", replacements: 1, monthlyCost: 38.2, unchanged: false });
    expect(plan?.problems).toEqual(["aws_db.main is protected", "warning: open port"]);
  });

  it("lists the resources with their costs, and says how many the list lacks", () => {
    const resources = 'destroys aws_db.old -73.00\nadds aws_sqs.q["a b"]\nbreaks aws_x.y\nmore 12';
    const plan = findPlan({}, [aLine({ ...outputs, resources })]);

    expect(plan?.resources).toEqual([
      { sign: "−", word: "destroys", isLoss: true, address: "aws_db.old", difference: -73 },
      { sign: "+", word: "adds", isLoss: false, address: 'aws_sqs.q["a b"]', difference: undefined },
    ]);
    expect(plan?.missing).toBe(12);
    expect(findPlan({}, [aLine(outputs)])).toMatchObject({ resources: [], missing: 0 });
  });

  it("takes the plan that the approval repeats, not a newer one", () => {
    const newer = aLine({ ...outputs, plan: "p-3", destroys: 9 });

    expect(findPlan({ of: "p-2" }, [newer, aLine(outputs)])?.changes[0]?.count).toBe(1);
    expect(findPlan({ of: "p-1" }, [newer, aLine(outputs)])).toBeUndefined();
  });

  it("finds none in outputs of other tasks", () => {
    expect(findPlan({}, [aLine({ url: "https://x.example.org" }), aLine(undefined), aLine("text")])).toBeUndefined();
  });
});

describe("findPlanAttempt", () => {
  it("takes the newest attempt that has succeeded", () => {
    const attempts = [
      anAttempt({ task: "plan", attempt: 3 }),
      anAttempt({ task: "plan", attempt: 2, outcome: "succeeded" }),
      anAttempt({ task: "app", attempt: 1, outcome: "succeeded" }),
    ];

    expect(findPlanAttempt({ task: "plan" }, attempts)).toBe("pr-12/open/1/plan/2");
    expect(findPlanAttempt({ task: "smoke" }, attempts)).toBeUndefined();
  });
});
