import { describe, expect, it } from "vitest";
import { findSendLimits } from "./deploy-limits.ts";

const ALL = { waves: ["all"], sizes: [1] };

describe("the limits of a task that sends", () => {
  it("are those of the wave with its name, also when a wave was put before it", () => {
    const config = { waves: [{ name: "first", pause: "1h" }, { name: "canary", pause: "2h" }, { name: "rest" }] };

    expect(findSendLimits(config, { waves: ["canary", "rest"], sizes: [4, 43] })?.pausesMs).toEqual([7_200_000, 0]);
  });

  it("are those of its config: a share of each wave, rounded down", () => {
    const config = { maxFailures: "10%", concurrency: 4, waves: [{ name: "canary", pause: "2h" }, { name: "rest" }] };

    expect(findSendLimits(config, { waves: ["canary", "rest"], sizes: [4, 43] })).toEqual({
      concurrency: 4,
      maxFailures: [0, 4],
      pausesMs: [7_200_000, 0],
    });
  });

  it("have defaults", () => {
    expect(findSendLimits({ stacks: "shop-prod" }, ALL)).toEqual({ concurrency: 10, maxFailures: [0], pausesMs: [0] });
  });

  it("are missing for a task that plans or undoes, and without a config", () => {
    expect([findSendLimits({ op: "undo", of: "tenants" }, ALL), findSendLimits(undefined, ALL)]).toEqual([
      undefined,
      undefined,
    ]);
  });
});
