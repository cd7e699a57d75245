import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Strategy } from "../document/release.ts";
import { planCapacity } from "../plan/capacity.ts";
import { anAutoscaling, aService, someLaunchFacts } from "../testing/builders.ts";
import { toGroupRequest } from "./launch-requests.ts";

const STRATEGIES: readonly Strategy[] = [
  ...(["AllAtOnce", "OneThenAllWithCanary", "25PercentStepRolloutNoCanary", "10PercentStepRolloutNoCanary"] as const),
  ...(["10AtATimeNoCanary", "20AtATimeNoCanary", "GatedCanary", "GatedSteps"] as const),
];

const rules = fc
  .record({
    sizes: fc.tuple(fc.nat(500), fc.nat(500)),
    spread: fc.double({ min: 0, max: 1, noNaN: true }),
    strategy: fc.constantFrom(...STRATEGIES),
    previous: fc.option(fc.integer({ min: -1, max: 1_000 }), { nil: undefined }),
  })
  .map(({ sizes: [one, other], ...rest }) => ({
    ...rest,
    min_size: Math.min(one, other),
    max_size: Math.max(one, other),
  }));

describe("the capacity that a group is created with", () => {
  it("is one that Auto Scaling takes, whatever the strategy and the group before", () => {
    fc.assert(
      fc.property(rules, ({ previous, ...given }) => {
        const steps = given.strategy === "GatedSteps" ? [1, "25%"] : [];
        const autoscaling = anAutoscaling({ ...given, steps });
        const facts = someLaunchFacts({ service: aService({ autoscaling }) });

        const {
          MinSize = Number.NaN,
          DesiredCapacity = Number.NaN,
          MaxSize = Number.NaN,
        } = toGroupRequest(facts, {
          template: {},
          capacity: planCapacity(autoscaling, previous).initial,
        });

        expect(MinSize).toBeGreaterThanOrEqual(0);
        expect(DesiredCapacity).toBeGreaterThanOrEqual(MinSize);
        expect(MaxSize).toBeGreaterThanOrEqual(DesiredCapacity);
        expect(MaxSize).toBe(given.max_size);
      }),
    );
  });
});
