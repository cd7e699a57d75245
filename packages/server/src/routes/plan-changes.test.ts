import { expect, it } from "vitest";
import { findChanges } from "./plan-changes.ts";

const figures = { adds: 3, changes: 1, destroys: 0 };
const outputs = { plan: "p-1", ...figures };

it("finds the figures of the plan with this id, not those of a later one", () => {
  expect(findChanges([{ ...outputs, plan: "p-2", adds: 9 }, undefined, outputs], ["gold", "p-1"])).toEqual(figures);
  expect(findChanges([outputs], ["p-3"])).toBeUndefined();
});

it("takes only whole counts: what a task reports may be anything", () => {
  for (const adds of [-1, 0.5, "3", null, undefined]) {
    expect(findChanges([{ ...outputs, adds }], ["p-1"])).toBeUndefined();
  }
  expect(findChanges([null, "p-1", ["p-1"], { plan: "p-1" }], ["p-1"])).toBeUndefined();
});
