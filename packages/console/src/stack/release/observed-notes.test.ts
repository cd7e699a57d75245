import { GATE_OPEN } from "@stackyard/promotion/definition";
import { describe, expect, it } from "vitest";
import { anAttempt, anEntry } from "../../testing/a-stack.ts";
import { findObserved, findPlanner, formatPlanNote, listOpened } from "./observed-notes.ts";

const PLAN = { counts: { move: 80, same: 1, create: 4, moving: 0, fails: 0 }, runs: 252, hidden: 0 };

describe("what a gate has observed", () => {
  it.each([
    ["The stacks soak until 09:00.\nThe gate is open: 24h, alarms OK\n", "24h, alarms OK"],
    [`${GATE_OPEN}no newer release`, "no newer release"],
    ["The stacks soak until 09:00.\n", undefined],
    ["> The gate is open: 24h", undefined],
    ["", undefined],
  ])("%j is %j", (log, expected) => {
    expect(findObserved(log)).toBe(expected);
  });

  it("is asked only of the logs of gates that have succeeded", () => {
    const gate = { executor: "gate", outcome: "succeeded", hasLog: true } as const;
    const attempts = [
      anAttempt({ ...gate, attemptId: "open" }),
      anAttempt({ ...gate, hasLog: false }),
      anAttempt({ ...gate, outcome: "closed" }),
      anAttempt({ ...gate, outcome: "failed" }),
      anAttempt({ ...gate, executor: "script" }),
    ];

    expect(listOpened(attempts).map(({ attemptId }) => attemptId)).toEqual(["open"]);
  });
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
