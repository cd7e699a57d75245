import { weatherCases } from "@stackyard/core/testing";
import { describe, it } from "vitest";
import { terraformWeathers } from "./testing/weather/terraform-weathers.ts";
import { terraformStories } from "./testing/weather-stories.ts";

// With LONG_TESTS, pairs of weathers; `npm run weather` plays all runs.
describe("the borders of Terraform keep their promises in every weather", () => {
  for (const { name, timeoutMs, run } of weatherCases(terraformStories, terraformWeathers, process.env))
    it(name, { timeout: timeoutMs }, () => run(console.log));
});
