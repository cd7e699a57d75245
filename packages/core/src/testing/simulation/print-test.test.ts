import { expect, it } from "vitest";
import { printTest } from "./print-test.ts";
import { runSeed } from "./run-plan.ts";

const run = await runSeed(3);

/** The argument of `runPlan` in a printed test. */
function readPlan(test: string): unknown {
  const [, literal = ""] = /runPlan\((\{.*\})\);\n\n/s.exec(test) ?? [];
  return new Function(`return ${literal};`)();
}

it("prints a plan that is the same when it is read again", () => {
  expect(readPlan(printTest(run))).toEqual(run.plan);
});

it("prints a test that names the seed and what was broken", () => {
  const plan = { ...run.plan, seed: 5, machines: [], actions: [], nodes: [], faults: {}, work: {} };
  const violations = [{ invariant: "order", sentence: "s1: e1\nwas late." }];

  expect(printTest({ ...run, plan, violations })).toBe(`import { runPlan } from "@stackyard/core/testing";
import { expect, it } from "vitest";

it("holds order (seed 5)", async () => {
  // s1: e1 was late.
  const { violations } = await runPlan({ seed: 5, leaseMs: ${plan.leaseMs}, nodes: [], machines: [], actions: [], faults: {}, work: {} });

  expect(violations).toEqual([]);
});
`);
});
