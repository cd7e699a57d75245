import { awsWeathers } from "@stackyard/aws-sim";
import { weatherCases } from "@stackyard/core/testing";
import { describe, it } from "vitest";
import { gateStories } from "./testing/weather-stories.ts";

// With LONG_TESTS, pairs of weathers; `npm run weather` plays all runs.
describe("gates keep their promises in every weather", () => {
  for (const { name, timeoutMs, run } of weatherCases(gateStories, awsWeathers, process.env))
    it(name, { timeout: timeoutMs }, () => run(console.log));
});
