import type { Deploy } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { anAttempt } from "../../testing/a-stack.ts";
import { findObserved, listOpened, toPlanNote } from "./observed-notes.ts";

const PLAN = { counts: { move: 80, same: 1, create: 4, moving: 0, fails: 0 }, runs: 252 };
const SENDING = { task: "tenants" } as Deploy;

describe("what a gate has observed", () => {
  it.each([
    ["The stacks soak until 09:00.\nThe gate is open: 24h, alarms OK\n", "24h, alarms OK"],
    ["The gate is open: no newer release", "no newer release"],
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
  const made = anAttempt({ task: "plan", executor: "deploy", outcome: "succeeded" });

  it("is how many stacks it moves, once that is known", () => {
    expect(toPlanNote(made, [SENDING], PLAN)).toBe("84 stacks move, 252 tasks");
    expect(toPlanNote(made, [SENDING], undefined)).toBeUndefined();
  });

  it("is not said of what sends, has not succeeded, or is no task of a deployment", () => {
    expect(toPlanNote({ ...made, task: "tenants" }, [SENDING], PLAN)).toBeUndefined();
    expect(toPlanNote(anAttempt({ task: "plan", executor: "deploy", outcome: "failed" }), [], PLAN)).toBeUndefined();
    expect(toPlanNote({ ...made, executor: "gate" }, [], PLAN)).toBeUndefined();
  });
});
