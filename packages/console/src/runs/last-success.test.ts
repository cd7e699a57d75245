import type { Job } from "@stackyard/sdk/jobs";
import { describe, expect, it } from "vitest";
import { compareRuns, findLastSuccess, hasHiddenValue } from "./last-success.ts";

function aJob(jobId: string, hour: number, more: Partial<Job> = {}): Job {
  return {
    jobId,
    state: "succeeded",
    executor: "ecs",
    config: { cluster: "main", taskDefinition: "migrate:41", environment: { DAY: "1" } },
    startedAt: `2026-11-20T0${hour}:00:00Z`,
    endedAt: `2026-11-20T0${hour}:05:00Z`,
    ...more,
  };
}

const failed = aJob("now", 5, {
  state: "failed",
  config: { cluster: "main", taskDefinition: "migrate:42", environment: { DAY: "1" } },
});

describe("findLastSuccess", () => {
  it("finds the newest earlier success of the same work, whatever its revision is", () => {
    const jobs = [aJob("older", 1), aJob("newer", 3), aJob("later", 6)];

    expect(findLastSuccess(failed, jobs)?.jobId).toBe("newer");
  });

  it.each([
    ["another task", { config: { cluster: "main", taskDefinition: "report:3" } }],
    ["another cluster", { config: { cluster: "test", taskDefinition: "migrate:41" } }],
    ["another account", { target: { account: "111122223333" } }],
    ["another executor", { executor: "lambda" }],
    ["a failure", { state: "failed" as const }],
  ])("does not take %s for it", (_what, more) => {
    expect(findLastSuccess(failed, [aJob("other", 3, more)])).toBeUndefined();
  });

  it("compares jobs that name nothing by their values", () => {
    const now = aJob("now", 5, { config: { script: "a", level: 1, size: 2 } });
    const alike = aJob("alike", 2, { config: { script: "a", level: 1, size: 3 } });
    const unlike = aJob("unlike", 3, { config: { script: "b", level: 2, size: 3 } });

    expect(findLastSuccess(now, [alike, unlike])?.jobId).toBe("alike");
  });
});

describe("compareRuns", () => {
  it("lists what has changed by its path, and counts the rest", () => {
    expect(compareRuns(aJob("then", 1), failed)).toEqual({
      changed: [{ what: "taskDefinition", before: "migrate:41", now: "migrate:42" }],
      equal: 2,
    });
  });

  it("lists what is only in one of them", () => {
    const then = aJob("then", 1, { config: { a: null } });
    const now = aJob("now", 2, { config: {}, target: { region: "eu-west-1" } });

    expect(compareRuns(then, now).changed).toEqual([
      { what: "a", before: "null", now: undefined },
      { what: "target.region", before: undefined, now: "eu-west-1" },
    ]);
  });
});

describe("hasHiddenValue", () => {
  it("finds a hidden value at any depth", () => {
    expect(hasHiddenValue({ config: { environment: { TOKEN: "***" } } })).toBe(true);
    expect(hasHiddenValue(failed)).toBe(false);
  });

  it("finds one within a text, and behind more values than are compared", () => {
    const many = Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`KEY_${index}`, "x"]));

    expect(hasHiddenValue({ config: { url: "postgres://app:***@db/shop" } })).toBe(true);
    expect(hasHiddenValue({ config: { ...many, TOKEN: "***" } })).toBe(true);
    expect(hasHiddenValue({ config: many, target: { token: "***" } })).toBe(true);
  });
});
