import { describe, expect, it } from "vitest";
import { findSendLimits } from "./deploy-limits.ts";

describe("the limits of a task that sends", () => {
  it("are those of its config: a share of each wave, rounded down", () => {
    const config = { maxFailures: "10%", concurrency: 4, waves: [{ name: "canary", pause: "2h" }, { name: "rest" }] };

    expect(findSendLimits(config, [4, 43])).toEqual({
      concurrency: 4,
      maxFailures: [0, 4],
      pausesMs: [7_200_000, 0],
    });
  });

  it("have defaults", () => {
    expect(findSendLimits({ stacks: "shop-prod" }, [1])).toEqual({ concurrency: 10, maxFailures: [0], pausesMs: [] });
  });

  it("are missing for a task that plans or undoes, and without a config", () => {
    expect([findSendLimits({ op: "undo", of: "tenants" }, [1]), findSendLimits(undefined, [1])]).toEqual([
      undefined,
      undefined,
    ]);
  });
});
