import { weatherCases } from "@stackyard/core/testing";
import { describe, it } from "vitest";
import { terraformSeasons } from "./testing/life/terraform-changes.ts";
import { terraformLives } from "./testing/life/terraform-lives.ts";

// With LONG_TESTS, pairs of changes; `npm run weather` plays all runs.
describe("the life of a configuration keeps its promises whatever changes on its way", () => {
  for (const { name, timeoutMs, run } of weatherCases(terraformLives, terraformSeasons, process.env))
    it(name, { timeout: timeoutMs }, () => run(console.log));
});
