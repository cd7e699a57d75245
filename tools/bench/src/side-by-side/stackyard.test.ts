import { describe, expect, it } from "vitest";
import { toStackIds } from "./stackyard.ts";

describe("toStackIds", () => {
  it("gives every ten jobs a new stack of their own", () => {
    expect(toStackIds({ first: 20, count: 21, spread: 0 })).toEqual(["stack-2", "stack-3", "stack-4"]);
  });

  it("spreads chains over all that was filled in, other ones each time", () => {
    expect(toStackIds({ first: 0, count: 30, spread: 100 })).toEqual(["filled-0", "filled-33", "filled-66"]);
    expect(toStackIds({ first: 980, count: 30, spread: 100 })).toEqual(["filled-98", "filled-31", "filled-64"]);
  });

  it("never runs two chains on one stack", () => {
    const ids = toStackIds({ first: 170, count: 2_500, spread: 1_000 });

    expect(new Set(ids).size).toBe(250);
    expect(() => toStackIds({ first: 0, count: 110, spread: 10 })).toThrow(
      "11 chains need as many stacks; there are 10.",
    );
  });
});
