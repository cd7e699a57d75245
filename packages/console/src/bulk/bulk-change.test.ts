import { describe, expect, it } from "vitest";
import { formatBulkChange } from "./bulk-change.ts";

const aPlan = (ids?: readonly string[]) => ({
  operation: "remove" as const,
  total: 0,
  examined: 0,
  outcomes: [],
  digest: "d",
  ...(ids && { ids: [...ids] }),
});

describe("the change of a dry run (argo-cd#1507, argo-cd#5125)", () => {
  it.each([
    [["a", "b"], ["b", "c"], "c came, and a went"],
    [["a"], ["a", "b"], "b came"],
    [["a", "b"], ["a"], "b went"],
    [[], ["a", "b", "c", "d", "e", "f", "g"], "a, b, c, d, e and 2 more came"],
    [["a"], ["a"], "what would be done is another"],
    [undefined, undefined, "what would be done is another"],
  ])("of %j to %j names who came and went", (before, now, what) => {
    expect(formatBulkChange(aPlan(before), aPlan(now))).toContain(`Since the dry run, ${what}.`);
  });
});
