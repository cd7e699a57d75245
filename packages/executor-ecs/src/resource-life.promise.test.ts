import { LIFE_INVARIANTS, weatherCases } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { resourceSeasons } from "./testing/life/resource-changes.ts";
import { resourceLives } from "./testing/life/resource-lives.ts";

// With LONG_TESTS, pairs of changes; `npm run weather` plays all runs.
describe("the life of resources keeps its promises whatever changes on its way", () => {
  it("has a planted bug for each promise", () => {
    const planted = resourceLives.flatMap((life) => life.planted ?? []);

    expect(new Set(planted.map(({ invariant }) => invariant))).toEqual(new Set(Object.keys(LIFE_INVARIANTS)));
  });

  for (const { name, timeoutMs, run } of weatherCases(resourceLives, resourceSeasons, process.env))
    it(name, { timeout: timeoutMs }, () => run(console.log));
});
