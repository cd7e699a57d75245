import { describe, expect, it } from "vitest";
import { median, orderOfRound, quantile } from "./statistics.ts";

describe("quantile", () => {
  it("takes the nearest rank, whatever the order", () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);

    expect([quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1)]).toEqual([51, 100, 100]);
  });

  it("is not a number for an empty list", () => {
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe("median", () => {
  it("takes the value in the middle, or the mean of the two there", () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2])]).toEqual([2, 2.5]);
  });
});

describe("orderOfRound", () => {
  it("turns the order round with each round", () => {
    expect([0, 1, 2].map((round) => orderOfRound(["a", "b"], round).join(""))).toEqual(["ab", "ba", "ab"]);
  });
});
