import { describe, expect, it } from "vitest";
import { countDeploy, findBudget, findPause, NO_STACKS } from "./deploy-counts.ts";

const canary = { name: "canary", stacks: 4, maxFailures: 1, counts: { ...NO_STACKS, done: 3, failed: 1 } };
const rest = {
  name: "rest",
  stacks: 40,
  maxFailures: 4,
  counts: { ...NO_STACKS, waiting: 30, sent: 2, done: 7, failed: 1 },
};

describe("countDeploy", () => {
  it("adds up the waves: every stack is in one part (octopus#3455)", () => {
    const { total, ...figures } = countDeploy({ waves: [canary, rest] });

    expect(figures).toEqual({ stacks: 44, arrived: 10, skipped: 0, failed: 2, sent: 2, waves: { ended: 1, all: 2 } });
    expect(Object.values(total).reduce((sum, count) => sum + count, 0)).toBe(figures.stacks);
  });

  it("counts unchanged stacks as arrived, and neither skipped nor undone ones", () => {
    const alone = { ...canary, counts: { ...NO_STACKS, done: 1, skipped: 3 } };
    expect(countDeploy({ waves: [alone] })).toMatchObject({ arrived: 1, skipped: 3, waves: { ended: 1, all: 1 } });
  });

  it("does not count a wave as ended of which stacks were never sent to", () => {
    const stopped = { ...rest, counts: { ...NO_STACKS, done: 1, unsent: 39 } };
    expect(countDeploy({ waves: [canary, stopped] }).waves).toEqual({ ended: 1, all: 2 });
  });
});

describe("findBudget", () => {
  it("is that of the present wave, and of one that has spent it before all others", () => {
    const spent = { ...canary, counts: { ...NO_STACKS, done: 2, failed: 2 } };

    expect(findBudget({ waves: [canary, rest] })).toEqual({ wave: "rest", allowed: 4, used: 1 });
    expect(findBudget({ waves: [spent, rest] })).toEqual({ wave: "canary", allowed: 1, used: 2 });
    expect(findBudget({ waves: [canary] })).toEqual({ wave: "canary", allowed: 1, used: 1 });
  });

  it("is missing where failures stop nothing, such as of an undo", () => {
    const { maxFailures: _, ...wave } = canary;
    expect(findBudget({ waves: [wave] })).toBeUndefined();
  });
});

describe("findPause", () => {
  const paused = { ...canary, pause: { from: "2026-11-26T12:00:00Z", to: "2026-11-26T14:00:00Z" } };
  const during = Date.parse("2026-11-26T13:00:00Z");

  it("is the pause that lasts, and none after it or after the end of the task", () => {
    expect(findPause({ waves: [paused, rest] }, during)).toEqual({ wave: "canary", to: "2026-11-26T14:00:00Z" });
    expect(findPause({ waves: [paused, rest] }, during + 3_600_000)).toBeUndefined();
    expect(findPause({ waves: [paused, rest], endedAt: "2026-11-26T12:30:00Z" }, during)).toBeUndefined();
  });
});
