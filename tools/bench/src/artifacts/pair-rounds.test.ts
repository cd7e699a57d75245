import { expect, it } from "vitest";
import { pairRounds } from "./pair-rounds.ts";

it("pairs within a round, there and back, and leaves the first one out", async () => {
  const calls: string[] = [];
  const script = (name: string, seconds: number[]) => () => {
    calls.push(name);
    return seconds.shift() ?? Number.NaN;
  };

  const figures = await pairRounds({
    name: "a",
    bare: "b",
    messages: 100,
    rounds: 3,
    ours: script("ours", [9, 1, 2, 4]),
    theirs: script("theirs", [9, 2, 2, 2]),
  });

  expect(calls).toEqual(["ours", "theirs", "theirs", "ours", "ours", "theirs", "theirs", "ours"]);
  expect(figures).toEqual({
    name: "a",
    bare: "b",
    perSecond: { median: 50, least: 25, most: 100 },
    barePerSecond: { median: 50, least: 50, most: 50 },
    ratio: { median: 1, least: 0.5, most: 2 },
  });
});
