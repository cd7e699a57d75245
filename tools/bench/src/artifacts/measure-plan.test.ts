import { expect, it } from "vitest";
import { measurePlan } from "./measure-plan.ts";

it("plans every file for every consumer", () => {
  const figures = measurePlan({ consumers: 12, versions: 2, files: 3, rounds: 2 });

  expect(figures).toMatchObject({ consumers: 12, versions: 2, files: 3, messages: 72 });
  expect(figures.seconds.least).toBeGreaterThan(0);
});
