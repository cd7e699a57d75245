import { expect, it } from "vitest";
import { judgeBudget } from "./judge-budget.ts";

it.each([
  [0.2, "within 1 s"],
  [1, "within 1 s"],
  [1.001, "above 1 s"],
  [Number.NaN, "above 1 s"],
])("judges %d", (figure, verdict) => {
  expect(judgeBudget(figure, { most: 1, unit: "s" })).toBe(verdict);
});
