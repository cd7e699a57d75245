import { describe, expect, it } from "vitest";
import { anAttempt, anEntry } from "../../testing/a-stack.ts";
import { findPlanner, formatPlanNote, listObserved } from "./observed-notes.ts";

const PLAN = { counts: { move: 80, same: 1, create: 4, moving: 0, fails: 0 }, runs: 252, hidden: 0 };

it("says what a gate has observed, by the outputs of its own attempt", () => {
  const attempts = [
    anAttempt({ attemptId: "open", executor: "gate" }),
    anAttempt({ attemptId: "settled", executor: "gate" }),
    anAttempt({ attemptId: "script", executor: "script" }),
  ];
  const entries = [
    anEntry(3, { eventId: "result:script", outputs: { observed: "not a gate" } }),
    anEntry(2, { eventId: "result:settled" }),
    anEntry(1, { eventId: "result:open", outputs: { observed: "24h, alarms OK" } }),
  ];

  expect(listObserved(attempts, entries)).toEqual([["open", "24h, alarms OK"]]);
});

describe("what a plan has observed", () => {
  it("is how many stacks it moves, which it cannot, and which are left out of the counts", () => {
    expect(formatPlanNote(PLAN)).toBe("84 stacks move, 252 tasks");
    const part = { ...PLAN, counts: { ...PLAN.counts, fails: 2 }, hidden: 1_300 };
    expect(formatPlanNote(part)).toBe("84 stacks move, 252 tasks, 2 cannot move, 1,300 you may not read");
  });

  it("is of the attempt whose result has its digest, not of another one that planned or sent", () => {
    const attempts = ["first", "second", "sent"].map((attemptId) => anAttempt({ attemptId, executor: "deploy" }));
    const entries = [
      anEntry(3, { eventId: "result:sent", outputs: { digest: "" } }),
      anEntry(2, { eventId: "result:second", outputs: { digest: "d2" } }),
      anEntry(1, { eventId: "result:first", outputs: { digest: "d1" } }),
    ];

    expect(findPlanner(attempts, entries, "d2")?.attemptId).toBe("second");
    expect(findPlanner(attempts, entries, "d1")?.attemptId).toBe("first");
    expect(findPlanner(attempts, entries, "d3")).toBeUndefined();
    expect(findPlanner(attempts, [anEntry(1)], undefined)).toBeUndefined();
  });
});
