import { expect, it } from "vitest";
import { AWS_PRICES, NO_USE, scaleUse, toDollars } from "./aws-prices.ts";

it("adds up what was used", () => {
  const use = { ...NO_USE, queue: 1_000_000, write: 2_000_000, gbSecond: 1_000 };
  expect(toDollars(use)).toBeCloseTo(0.4 + 1.25 + 0.0133334, 10);
  expect(toDollars(NO_USE)).toBe(0);
});

it("counts each kind of use", () => {
  const each = Object.keys(AWS_PRICES).map((name) => toDollars({ ...NO_USE, [name]: 1_000_000 }));
  expect(each).toEqual(Object.values(AWS_PRICES).map(({ perMillion }) => perMillion));
});

it("scales a use", () => {
  expect(scaleUse({ ...NO_USE, read: 3, queue: 1 }, 4)).toEqual({ ...NO_USE, read: 12, queue: 4 });
});
