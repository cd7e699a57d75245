import { expect, it } from "vitest";
import { toTransitionTable } from "./run-embedded.ts";

it("shows CPU, its growth with the stacks, and bytes before the rate", () => {
  const row = { store: "sqlite", batch: 64, transitions: 10, residentMiB: 100, writtenBytesEach: 9_000 } as const;

  const { rows } = toTransitionTable([
    { ...row, stacks: 100, perSecond: 20_000, cpuMicrosecondsEach: 50 },
    { ...row, stacks: 100_000, perSecond: 10_000, cpuMicrosecondsEach: 100, writtenBytesEach: undefined },
    { ...row, store: "memory", stacks: 100, perSecond: 50_000, cpuMicrosecondsEach: 20 },
  ]);

  expect(rows).toEqual([
    ["sqlite", "100", "64", "50", "1.00", "9000", "100", "20000"],
    ["sqlite", "100000", "64", "100", "2.00", "–", "100", "10000"],
    ["memory", "100", "64", "20", "1.00", "–", "100", "50000"],
  ]);
});
