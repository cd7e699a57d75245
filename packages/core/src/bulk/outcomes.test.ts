import { expect, it } from "vitest";
import { BulkOutcome } from "../api/bulk.ts";
import { countNotAsAsked, isAsAsked } from "./outcomes.ts";

it("what was withdrawn, redriven or dismissed is as asked, as what was applied (bulkrax#236)", () => {
  const outcomes = BulkOutcome.enum;

  expect(outcomes.filter((outcome) => !isAsAsked(outcome))).toEqual([
    "refused",
    "dead-lettered",
    "ignored",
    "gone",
    "waiting",
    "skipped",
  ]);
});

it("counts what is not as asked, and what a newer server says", () => {
  expect(countNotAsAsked({ withdrawn: 3, applied: 2 })).toBe(0);
  expect(countNotAsAsked({ withdrawn: 3, gone: 1, postponed: 2 })).toBe(3);
});
