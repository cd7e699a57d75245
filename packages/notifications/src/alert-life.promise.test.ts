import { LIFE_INVARIANTS, weatherCases } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { alertSeasons } from "./testing/life/alert-changes.ts";
import { alertLives } from "./testing/life/alert-lives.ts";

// With LONG_TESTS, pairs of changes; `npm run weather` plays all runs.
describe("the life of an alert keeps its promises whatever changes on its way", () => {
  it("has a planted bug for each promise", () => {
    const planted = alertLives.flatMap((life) => life.planted ?? []);

    expect(new Set(planted.map(({ invariant }) => invariant))).toEqual(new Set(Object.keys(LIFE_INVARIANTS)));
  });

  for (const { name, timeoutMs, run } of weatherCases(alertLives, alertSeasons, process.env))
    it(name, { timeout: timeoutMs }, () => run(console.log));
});
