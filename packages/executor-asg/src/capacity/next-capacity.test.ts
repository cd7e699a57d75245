import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Strategy } from "../document/release.ts";
import { nextCapacity } from "./next-capacity.ts";
import type { GatedStep } from "./next-gated-step.ts";
import { PACES } from "./pace.ts";
import { type CapacityRules, planCapacity } from "./plan-capacity.ts";

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
  ] as const)("goes on with %s by what is there, healthy or not: %d", (strategy, total, expected) => {
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

  it("never shrinks a group, and asks for nothing it has asked for", () => {
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

  it("goes on when a step has been healthy for the bake time", () => {
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

  it("goes on at the same look where no bake time is asked for", () => {
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
