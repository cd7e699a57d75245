import { describe, expect, it } from "vitest";
import { capacityAfterSuccess } from "./capacity-after-success.ts";
import { planCapacity } from "./plan-capacity.ts";

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
