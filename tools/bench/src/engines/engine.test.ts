import { expect, it } from "vitest";
import { startAll, toRuns } from "./engine.ts";

it("makes a run of each ten jobs of a chain, and of each single job", () => {
  expect(toRuns("chain", { first: 20, count: 20 })).toEqual([
    { number: 2, index: 20, length: 10 },
    { number: 3, index: 30, length: 10 },
  ]);
  expect(toRuns("once", { first: 5, count: 2 })).toEqual([
    { number: 5, index: 5, length: 1 },
    { number: 6, index: 6, length: 1 },
  ]);
});

it("starts each run once, and no more at a time than it may", async () => {
  const started: number[] = [];
  let underWay = 0;
  let most = 0;

  await startAll(toRuns("once", { first: 0, count: 20 }), 3, async ({ number }) => {
    started.push(number);
    underWay += 1;
    most = Math.max(most, underWay);
    await Promise.resolve();
    underWay -= 1;
  });

  expect(started.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, number) => number));
  expect(most).toBe(3);
});
