import type { SimulationRun } from "@stackyard/core/testing";
import { expect, it } from "vitest";
import { addRun, NO_RUNS, printSummary } from "./summary.ts";

const plan = { seed: 1, leaseMs: 1, nodes: [], machines: [], actions: [], faults: {}, work: {} };
const run: SimulationRun = {
  plan,
  violations: [],
  steps: 10,
  lastedMs: 3_600_000,
  counts: { crash: 1 },
  checks: { order: 5 },
};

it("adds runs up", () => {
  const failed = { ...run, violations: [{ invariant: "order", sentence: "late" }], counts: { crash: 2, delay: 1 } };

  expect(addRun(addRun(NO_RUNS, run), failed)).toEqual({
    seeds: 2,
    failed: 1,
    steps: 20,
    hours: 2,
    faults: { crash: 3, delay: 1 },
    checks: { order: 10 },
  });
});

it("prints what was run, what went wrong and what was checked", () => {
  expect(printSummary(addRun(NO_RUNS, { ...run, counts: { delay: 1, crash: 3 } }), 30)).toBe(
    `1 seeds, 0 failed: 10 steps, 1 simulated hours in 30.0 s (2 seeds a minute)
faults: crash 3, delay 1
checks: order 5`,
  );
});

it("prints an empty summary", () => {
  expect(printSummary(NO_RUNS, 0)).toBe(
    "0 seeds, 0 failed: 0 steps, 0 simulated hours in 0.0 s (0 seeds a minute)\nfaults: none\nchecks: none",
  );
});
