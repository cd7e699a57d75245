import { expect, it } from "vitest";
import { toTransitionTable } from "./run-embedded.ts";

it("shows each figure, its growth with the stacks, and its share of the bare rows", () => {
  const row = { store: "sqlite", batch: 64, transitions: 10, residentMiB: 100 } as const;

  const { rows } = toTransitionTable(
    [
      { ...row, stacks: 100, perSecond: 20_000, microsecondsEach: 50 },
      { ...row, stacks: 100_000, perSecond: 10_000, microsecondsEach: 100 },
      { ...row, store: "memory", stacks: 100, perSecond: 50_000, microsecondsEach: 20 },
    ],
    [{ batch: 64, perSecond: 40_000 }],
  );

  expect(rows).toEqual([
    ["sqlite", "100", "64", "20000", "50", "1.00", "0.50", "100"],
    ["sqlite", "100000", "64", "10000", "100", "2.00", "0.25", "100"],
    ["memory", "100", "64", "50000", "20", "1.00", "–", "100"],
  ]);
});
