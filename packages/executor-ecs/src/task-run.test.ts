import { describe, expect, it } from "vitest";
import type { StartResult } from "./start-tasks.ts";
import {
  afterAcceptedStop,
  decideAfterLook,
  decideAfterStop,
  decideAfterTry,
  mayRun,
  type TaskRun,
  toEnding,
  toLost,
} from "./task-run.ts";

const NEW: TaskRun = { taskArns: [], attempt: 1 };
const FAILURE = { code: "ECS_PLACEMENT_FAILED", message: "No room.", retryable: true };
const limits = { now: 1_000, until: 60_000, everyMs: 10_000 };

function aRetry(isSameTry: boolean) {
  return {
    kind: "retry",
    isSameTry,
    taskArns: ["t1"],
    reasons: [],
    code: "ECS_PLACEMENT_FAILED",
    passes: "capacity",
    message: "No room.",
  } satisfies StartResult;
}

function aFailure(retryable: boolean) {
  return { kind: "failed", taskArns: [], code: "ECS_AWS_ERROR", message: "No.", retryable } satisfies StartResult;
}

describe("decideAfterTry", () => {
  it("notes when all tasks had been started", () => {
    expect(decideAfterTry({ ...NEW, intendedAt: 5 }, { kind: "started", taskArns: ["t1"] }, limits)).toEqual({
      kind: "started",
      run: { taskArns: ["t1"], attempt: 1, triedAt: 1_000, startedAt: 1_000 },
    });
  });

  it.each([
    ["with another token after an answer", aRetry(false), { taskArns: ["t1"], attempt: 2, triedAt: 1_000 }],
    [
      "as the same try after a refusal",
      aRetry(true),
      { taskArns: ["t1"], attempt: 1, triedAt: 1_000, intendedAt: 1_000 },
    ],
    [
      "as the same try without an answer",
      aFailure(true),
      { taskArns: [], attempt: 1, triedAt: 1_000, intendedAt: 1_000 },
    ],
  ])("tries again %s", (_what, result, run) => {
    expect(decideAfterTry(NEW, result, limits)).toEqual({ kind: "again", run, afterMs: 10_000, why: result.message });
  });

  it("tries a last time when the time is over", () => {
    expect(decideAfterTry(NEW, aRetry(false), { ...limits, now: 59_000 })).toMatchObject({ afterMs: 1_000 });
    expect(decideAfterTry(NEW, aRetry(false), { ...limits, now: 60_000 })).toEqual({
      kind: "given-up",
      run: { taskArns: ["t1"], attempt: 1, triedAt: 60_000 },
      failure: FAILURE,
    });
  });

  it("gives up at once when nothing helps, but remembers an earlier call without an answer", () => {
    const failure = { code: "ECS_AWS_ERROR", message: "No.", retryable: false };
    const run = { taskArns: [], attempt: 1, triedAt: 1_000 };

    expect(decideAfterTry(NEW, aFailure(false), limits)).toEqual({ kind: "given-up", run, failure });
    expect(decideAfterTry({ ...NEW, intendedAt: 7 }, aFailure(false), limits)).toEqual({
      kind: "given-up",
      run: { ...run, intendedAt: 7 },
      failure,
    });
  });
});

describe("decideAfterLook", () => {
  const run: TaskRun = { taskArns: ["t1", "t2"], attempt: 1, startedAt: 0 };
  const running = { tasks: [{ taskArn: "t1", lastStatus: "RUNNING" }], missing: [] };
  const stopped = { tasks: [{ taskArn: "t1", lastStatus: "STOPPED" }], missing: [] };
  const partly = { ...stopped, missing: ["t2"] };

  const unseen = { looks: 2, lookedAt: 0 };

  it.each([
    ["running", "before the deadline", run, running, false],
    ["late", "at the deadline", run, running, true],
    ["over", "when all have stopped, however late", run, stopped, true],
    ["running", "while another look may show a task", run, partly, false],
    ["late", "at the deadline, whatever another look would show", run, partly, true],
    ["unknown", "when three looks do not show a task", { ...run, absence: unseen }, partly, true],
    ["running", "while others run", { ...run, absence: unseen }, { ...running, missing: ["t2"] }, false],
    ["late", "where tasks were never started", { ...run, startedAt: undefined }, stopped, true],
  ] as const)("is %s %s", (expected, _when, given, seen, isLate) => {
    expect(decideAfterLook(given, seen, { now: 60_000, isLate }).kind).toBe(expected);
  });

  it("forgets looks that did not show a task when one does", () => {
    expect(
      decideAfterLook({ ...run, absence: unseen }, running, { now: 60_000, isLate: false }).absence,
    ).toBeUndefined();
  });

  it("names the lost tasks and the state of the others, and does not invite another attempt", () => {
    expect(toLost(partly)).toEqual({
      code: "ECS_TASK_LOST",
      message:
        "ECS does not show t2, so it is unknown whether the work was done. The others are 1 STOPPED. ECS forgets stopped tasks after an hour. Look at their logs before another attempt.",
      retryable: false,
    });
  });
});

describe("the end of a run", () => {
  const run: TaskRun = { taskArns: ["t1"], attempt: 1, startedAt: 0 };
  const open: TaskRun = { taskArns: [], attempt: 1, intendedAt: 900_000, triedAt: 900_500 };
  const none = { alive: 0, unseen: 0 };

  it("is waited for, and after a try without an answer its tasks are looked for", () => {
    expect(toEnding(run, FAILURE, { now: 1_000_000 })).toEqual({ ending: { ...FAILURE, until: 1_045_000 } });
    expect(toEnding(open, FAILURE, { now: 1_000_000, waitMs: 0 })).toEqual({
      triedAt: 1_000_000,
      ending: { ...FAILURE, until: 1_000_000, searchUntil: 1_030_000 },
    });
  });

  it.each([
    ["when nothing is left", none, 1, undefined],
    ["not before the tasks have stopped", { alive: 1, unseen: 0 }, 1, 5_000],
    ["not later than the wait for them", { alive: 1, unseen: 0 }, 43_000, 2_000],
    ["though tasks do not stop", { alive: 1, unseen: 0 }, 45_000, undefined],
    ["not before ECS knows what it is to stop", { alive: 0, unseen: 1 }, 50_000, 5_000],
  ] as const)("comes %s", (_when, left, afterMs, expected) => {
    const ending = toEnding(run, FAILURE, { now: 1_000_000 });

    expect(decideAfterStop({ ...run, ...ending }, left, 1_000_000 + afterMs)).toBe(expected);
  });

  it("is waited for from the instant at which ECS accepts the stop", () => {
    const ending = { ...run, ...toEnding(run, FAILURE, { now: 1_000_000 }) };

    const late = afterAcceptedStop(ending, 1, 1_044_000);

    expect(decideAfterStop(late, { alive: 1, unseen: 0 }, 1_044_000)).toBe(5_000);
    expect(late.ending?.until).toBe(1_089_000);
    expect(afterAcceptedStop(ending, 0, 1_044_000)).toBe(ending);
    expect(afterAcceptedStop(run, 1, 1_044_000)).toBe(run);
  });

  it("comes when the search is over", () => {
    const ending = toEnding(open, FAILURE, { now: 1_000_000, waitMs: 0 });

    expect(decideAfterStop({ ...open, ...ending }, none, 1_029_000)).toBe(1_000);
    expect(decideAfterStop({ ...open, ...ending }, none, 1_030_000)).toBeUndefined();
  });

  it("is due only where tasks may run", () => {
    expect([NEW, run, open].map(mayRun)).toEqual([false, true, true]);
  });
});
