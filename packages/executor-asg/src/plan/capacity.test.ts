import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Strategy } from "../document/release.ts";
import {
  type CapacityRules,
  capacityAfterSuccess,
  type GatedStep,
  nextCapacity,
  PACES,
  planCapacity,
} from "./capacity.ts";

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

/** Of a service that has had 40 instances. */
const RULES: CapacityRules = { min_size: 3, max_size: 50 };

function look(
  strategy: Strategy,
  { total = 0, healthy = 0, group = { min: 0, desired: 0 }, rules = RULES, previous = 40 } = {},
) {
  const autoscaling = { ...rules, strategy };
  const plan = planCapacity(autoscaling, previous);
  return nextCapacity({ autoscaling, plan, group, instances: { total, healthy } });
}

const wanted = (...input: Parameters<typeof look>) => {
  const { min, desired } = look(...input).wanted;
  return [min, desired];
};

describe("nextCapacity", () => {
  it("wants everything at once", () => {
    expect(wanted("AllAtOnce")).toEqual([3, 40]);
    expect(wanted("AllAtOnce", { total: 40, healthy: 40 })).toEqual([3, 40]);
  });

  it.each([
    [0, 0, [1, 1]],
    [1, 0, [1, 1]],
    [1, 1, [3, 40]],
    [2, 0, [3, 40]],
    [40, 39, [3, 40]],
  ])(
    "wants all when the only instance is healthy, or no longer the only one: %d there, %d healthy",
    (total, healthy, expected) => {
      expect(wanted("OneThenAllWithCanary", { total, healthy })).toEqual(expected);
    },
  );

  it.each([
    ["25PercentStepRolloutNoCanary", 0, [1, 10]],
    ["25PercentStepRolloutNoCanary", 10, [3, 20]],
    ["25PercentStepRolloutNoCanary", 35, [3, 40]],
    ["25PercentStepRolloutNoCanary", 60, [3, 40]],
    ["10PercentStepRolloutNoCanary", 1, [2, 5]],
    ["10PercentStepRolloutNoCanary", 39, [3, 40]],
    ["10AtATimeNoCanary", 0, [1, 10]],
    ["10AtATimeNoCanary", 10, [3, 20]],
    ["20AtATimeNoCanary", 20, [3, 40]],
  ] as const)("continues with %s by the existing instances, healthy or not: %d", (strategy, total, expected) => {
    expect(wanted(strategy, { total })).toEqual(expected);
  });

  it("divides the minimum as it does the target", () => {
    const rules = { min_size: 20, max_size: 100 };

    expect(wanted("25PercentStepRolloutNoCanary", { total: 7, rules })).toEqual([12, 17]);
    expect(wanted("10PercentStepRolloutNoCanary", { total: 7, rules })).toEqual([9, 11]);
    expect(wanted("10AtATimeNoCanary", { total: 7, rules })).toEqual([12, 17]);
    expect(wanted("20AtATimeNoCanary", { total: 7, rules })).toEqual([17, 27]);
  });

  it("wants one of an empty target, as the predecessor did", () => {
    const rules = { min_size: 0, max_size: 5 };
    const empty = { rules, previous: 0 };

    expect(wanted("10AtATimeNoCanary", empty)).toEqual([1, 1]);
    expect(wanted("20AtATimeNoCanary", { ...empty, total: 3 })).toEqual([1, 1]);
    expect(wanted("10PercentStepRolloutNoCanary", empty)).toEqual([1, 1]);
  });

  it.each([
    ["nothing new", { min: 3, desired: 40 }, { min: 3, desired: 40 }, false],
    ["more desired", { min: 3, desired: 10 }, { min: 3, desired: 40 }, true],
    ["a higher minimum", { min: 1, desired: 40 }, { min: 3, desired: 40 }, true],
    ["never less desired", { min: 3, desired: 45 }, { min: 3, desired: 45 }, false],
    ["never a lower minimum", { min: 9, desired: 40 }, { min: 9, desired: 40 }, false],
    ["a minimum above the desired", { min: 60, desired: 20 }, { min: 40, desired: 40 }, true],
  ])("applies to the group: %s", (_name, group, applied, changed) => {
    expect(look("AllAtOnce", { group })).toEqual({ wanted: { min: 3, desired: 40 }, applied, changed });
  });

  it("never shrinks a group, and never requests the same capacity twice", () => {
    const anyLook = fc.record({
      strategy: fc.constantFrom(...(Object.keys(PACES) as Strategy[])),
      total: fc.nat(60),
      healthy: fc.nat(60),
      group: fc.record({ min: fc.nat(60), desired: fc.nat(60) }),
    });
    fc.assert(
      fc.property(anyLook, ({ strategy, ...input }) => {
        const { applied, changed } = look(strategy, input);
        expect(applied.desired).toBeGreaterThanOrEqual(input.group.desired);
        expect(applied.min).toBeLessThanOrEqual(applied.desired);
        expect(changed).toBe(applied.min !== input.group.min || applied.desired !== input.group.desired);
        expect(look(strategy, { ...input, group: applied }).changed).toBe(false);
      }),
    );
  });
});

describe("nextCapacity of gated steps", () => {
  const autoscaling = {
    min_size: 3,
    max_size: 50,
    strategy: "GatedSteps",
    steps: [1, "50%"],
    bake_time: 60,
  } as const satisfies CapacityRules;
  const plan = planCapacity(autoscaling, 40);

  function gate(healthy: number, atSeconds: number, step?: GatedStep, held = false) {
    const group = { min: 0, desired: 0 };
    const instances = { total: healthy, healthy };
    const next = nextCapacity({
      autoscaling,
      plan,
      group,
      instances,
      held,
      now: atSeconds * 1_000,
      ...(step && { step }),
    });
    return [next.wanted.min, next.wanted.desired, next.step];
  }

  it("stays at a step that is not healthy, however long", () => {
    expect(gate(0, 0)).toEqual([1, 1, { index: 0 }]);
    expect(gate(19, 90_000, { index: 1 })).toEqual([3, 20, { index: 1 }]);
  });

  it("continues when a step has been healthy for the bake time", () => {
    expect(gate(1, 0)).toEqual([1, 1, { index: 0, healthySince: 0 }]);
    expect(gate(1, 59, { index: 0, healthySince: 0 })).toEqual([1, 1, { index: 0, healthySince: 0 }]);
    expect(gate(1, 60, { index: 0, healthySince: 0 })).toEqual([3, 20, { index: 1 }]);
    expect(gate(20, 200, { index: 1, healthySince: 100_000 })).toEqual([3, 40, { index: 2 }]);
  });

  it("begins to count again after a break", () => {
    expect(gate(0, 59, { index: 0, healthySince: 0 })).toEqual([1, 1, { index: 0 }]);
    expect(gate(1, 60, { index: 0 })).toEqual([1, 1, { index: 0, healthySince: 60_000 }]);
  });

  it("is held where it is, and counts again afterwards", () => {
    expect(gate(1, 600, { index: 0, healthySince: 0 }, true)).toEqual([1, 1, { index: 0 }]);
  });

  it("stays at the last step", () => {
    expect(gate(40, 600, { index: 2 })).toEqual([3, 40, { index: 2 }]);
    expect(gate(40, 600, { index: 7 })).toEqual([3, 40, { index: 2 }]);
  });

  it("continues at the same check when no bake time is set", () => {
    const rules = { ...autoscaling, strategy: "GatedCanary", bake_time: 0 } as const;
    const input = { autoscaling: rules, plan: planCapacity(rules, 40), group: { min: 1, desired: 1 }, now: 5 };

    expect(nextCapacity({ ...input, instances: { total: 1, healthy: 1 } })).toEqual({
      wanted: { min: 3, desired: 40 },
      applied: { min: 3, desired: 40 },
      changed: true,
      step: { index: 1 },
    });
  });

  it("never passes a step before its instances are healthy", () => {
    const anyLook = fc.record({ healthy: fc.nat(45), seconds: fc.integer({ min: 1, max: 90 }) });
    fc.assert(
      fc.property(fc.array(anyLook, { maxLength: 40 }), (looks) => {
        let step: GatedStep = { index: 0 };
        let at = 0;
        for (const { healthy, seconds } of looks) {
          at += seconds;
          const after = nextCapacity({
            autoscaling,
            plan,
            group: { min: 0, desired: 0 },
            now: at * 1_000,
            step,
            instances: { total: healthy, healthy },
          }).step;
          if (after === undefined) throw new Error("gated steps always have a step");
          if (after.index > step.index) expect(healthy).toBeGreaterThanOrEqual(plan.steps[step.index] ?? 0);
          expect(after.index - step.index).toBeLessThanOrEqual(1);
          step = after;
        }
      }),
    );
  });
});

/** Desired 10, launched 12. */
const plan = planCapacity({ min_size: 2, max_size: 20, spread: 0.2 }, 10);

describe("capacityAfterSuccess", () => {
  it("takes the spread back", () => {
    const input = { min_size: 2, plan, currentDesired: 12 };

    expect(capacityAfterSuccess({ ...input, keepScaled: false })).toEqual({ min: 2, desired: 10 });
    expect(capacityAfterSuccess({ ...input, keepScaled: true })).toEqual({ min: 2, desired: 10 });
  });

  it("keeps what a policy has added only when asked to", () => {
    const input = { min_size: 2, plan, currentDesired: 15 };

    expect(capacityAfterSuccess({ ...input, keepScaled: false })).toEqual({ min: 2, desired: 10 });
    expect(capacityAfterSuccess({ ...input, keepScaled: true })).toEqual({ min: 2, desired: 15 });
  });

  it("takes nothing over from a group that a policy has made smaller", () => {
    expect(capacityAfterSuccess({ min_size: 2, plan, currentDesired: 3, keepScaled: true })).toEqual({
      min: 2,
      desired: 10,
    });
  });
});
