import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Strategy } from "../document/release.ts";
import { PACES } from "./pace.ts";
import { type CapacityRules, planCapacity } from "./plan-capacity.ts";

/** Desired, launched, healthy. */
function figures(rules: CapacityRules, previous?: number | null) {
  const { desired, targetLaunched, targetHealthy } = planCapacity(rules, previous);
  return [desired, targetLaunched, targetHealthy];
}

const initial = (rules: CapacityRules, previous?: number) => {
  const { min, desired, max } = planCapacity(rules, previous).initial;
  return [min, desired, max];
};

const strategies = Object.keys(PACES) as Strategy[];
const anyRules = fc
  .tuple(fc.nat(300), fc.nat(300), fc.integer({ min: 0, max: 1_000 }), fc.constantFrom(...strategies))
  .map(([min_size, more, spread, strategy]): CapacityRules => {
    return { min_size, max_size: min_size + more, spread: spread / 1_000, strategy, steps: [2, "25%"] };
  });
const anyPrevious = fc.option(fc.integer({ min: -1, max: 700 }), { nil: undefined });

describe("planCapacity", () => {
  it("has one instance where nothing is said", () => {
    expect(planCapacity({})).toEqual({
      desired: 1,
      targetLaunched: 1,
      targetHealthy: 1,
      steps: [],
      initial: { min: 1, desired: 1, max: 1 },
    });
  });

  it.each([
    ["no group before", undefined, 2],
    ["no group before, as null", null, 2],
    ["no group before, as -1", -1, 2],
    ["a group before at 0", 0, 2],
    ["one below the minimum", 1, 2],
    ["one between", 5, 5],
    ["one above the maximum", 12, 8],
  ])("desires what the previous group has, within its limits: %s", (_name, previous, desired) => {
    expect(figures({ min_size: 2, max_size: 8 }, previous)).toEqual([desired, desired, desired]);
  });

  it.each([
    // previous, spread, launched, healthy
    [10, 0, 10, 10],
    [10, 0.2, 12, 8],
    [10, 0.125, 11, 8],
    [100, 0.125, 112, 87],
    [4, 0.5, 6, 2],
    [3, 0.5, 4, 1],
    [1, 0.9, 1, 1],
    [10, 1, 20, 1],
    [150, 1, 200, 1],
  ])("launches and needs a spread of whole percents: %d with %d", (previous, spread, launched, healthy) => {
    expect(figures({ min_size: 1, max_size: 200, spread }, previous)).toEqual([previous, launched, healthy]);
  });

  it.each([
    0.13, 0.15, 0.16, 0.57, 0.82, 0.34, 0.55, 0.56, 0.67, 0.68, 0.78, 0.79, 0.8, 0.81, 0.89, 0.9, 0.91, 0.92, 0.93,
  ])("loses no percent of a spread of %d", (spread) => {
    const percent = Math.round(spread * 100);

    expect(figures({ min_size: 0, max_size: 1_000, spread }, 100)).toEqual([100, 100 + percent, 100 - percent]);
  });

  it("needs nothing of a service that may be empty", () => {
    expect(figures({ min_size: 0, max_size: 3, spread: 0.5 })).toEqual([0, 0, 0]);
    expect(figures({ min_size: 0, max_size: 0 }, 4)).toEqual([0, 0, 0]);
  });

  it.each([
    ["AllAtOnce", [3, 40, 50]],
    ["OneThenAllWithCanary", [1, 1, 50]],
    ["25PercentStepRolloutNoCanary", [1, 10, 50]],
    ["10PercentStepRolloutNoCanary", [1, 4, 50]],
    ["10AtATimeNoCanary", [1, 10, 50]],
    ["20AtATimeNoCanary", [1, 20, 50]],
    ["GatedCanary", [1, 1, 50]],
  ] as const)("creates the group as %s begins", (strategy, expected) => {
    expect(initial({ min_size: 3, max_size: 50, strategy }, 40)).toEqual(expected);
  });

  it("begins with the first gated step, however it is written", () => {
    const rules = { min_size: 3, max_size: 50, strategy: "GatedSteps" } as const;

    expect(initial({ ...rules, steps: [2, 20] }, 40)).toEqual([2, 2, 50]);
    expect(initial({ ...rules, steps: ["25%"] }, 40)).toEqual([3, 10, 50]);
    expect(initial({ ...rules, steps: [] }, 40)).toEqual([3, 40, 50]);
  });

  it("makes of an empty minimum one instance where a rollout has parts, as the predecessor did", () => {
    const rules = { min_size: 0, max_size: 5 };

    expect(initial({ ...rules, strategy: "25PercentStepRolloutNoCanary" })).toEqual([1, 1, 5]);
    expect(initial({ ...rules, strategy: "10AtATimeNoCanary" })).toEqual([1, 1, 5]);
    expect(initial({ ...rules, strategy: "20AtATimeNoCanary" }, 5)).toEqual([1, 5, 5]);
    expect(initial({ ...rules, strategy: "OneThenAllWithCanary" })).toEqual([1, 1, 5]);
    expect(initial({ ...rules, strategy: "GatedCanary" })).toEqual([0, 0, 5]);
    expect(initial({ ...rules, strategy: "AllAtOnce" })).toEqual([0, 0, 5]);
  });

  it.each([
    ["GatedCanary", [], 10, [1, 10]],
    ["GatedCanary", [], 1, [1]],
    ["GatedCanary", [], 0, [0]],
    ["GatedSteps", [], 10, [10]],
    ["GatedSteps", [1, "25%", "50%"], 10, [1, 2, 5, 10]],
    ["GatedSteps", ["50%", 1, "10%", 1], 10, [1, 5, 10]],
    ["GatedSteps", ["1%", 4, 10, 12, "100%"], 10, [1, 4, 10]],
    ["GatedSteps", ["12.5%"], 100, [12, 100]],
  ] as const)("has the steps of %s %j at %d", (strategy, steps, previous, expected) => {
    expect(planCapacity({ min_size: 0, max_size: 100, strategy, steps }, previous).steps).toEqual(expected);
  });

  it("keeps healthy below desired below launched below the maximum, whatever the document says", () => {
    fc.assert(
      fc.property(anyRules, anyPrevious, (rules, previous) => {
        const { desired, targetLaunched, targetHealthy, steps, initial } = planCapacity(rules, previous);
        const { min_size = 1, max_size = 1 } = rules;
        const inOrder = [min_size, targetHealthy, desired, targetLaunched, max_size];
        expect(inOrder).toEqual(inOrder.toSorted((one, other) => one - other));
        expect(initial.min).toBeLessThanOrEqual(initial.desired);
        if (steps.length > 0) expect(steps.at(-1)).toBe(targetLaunched);
        expect(steps).toEqual([...new Set(steps)].sort((one, other) => one - other));
      }),
    );
  });
});
