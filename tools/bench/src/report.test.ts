import { expect, it } from "vitest";
import { toReport } from "./report.ts";

it("shows each figure, its share of the bare rows, and the growth with the stacks", () => {
  const row = { store: "sqlite", batch: 64, transitions: 10, residentMiB: 100 } as const;

  const text = toReport({
    machine: { node: "v24", cores: 2, model: "test" },
    bareRows: [{ batch: 64, perSecond: 40_000 }],
    transitions: [
      { ...row, stacks: 100, perSecond: 20_000, microsecondsEach: 50 },
      { ...row, stacks: 100_000, perSecond: 10_000, microsecondsEach: 100 },
    ],
    yards: [{ store: "memory", perSecond: 200, rate: 100, events: 10, p50Ms: 1.5, p99Ms: 3 }],
  });

  expect(text).toContain("sqlite     100     64       20000       50          0.50  100");
  expect(text).toContain("Cost of an event on sqlite at 100000 stacks: 2.00 × that at 100");
  expect(text).toContain("memory       200   100      10     1.5       3");
  expect(text).toContain("terraform plan: not measured");
});
