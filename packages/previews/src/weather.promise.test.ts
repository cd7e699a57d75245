import { awsWeathers } from "@stackyard/aws-sim";
import { weatherCases } from "@stackyard/core/testing";
import { describe, it } from "vitest";
import { previewStories } from "./testing/weather-stories.ts";

// With LONG_TESTS, pairs of weathers; `npm run weather` plays all runs.
describe("previews keep their promises in every weather", () => {
  for (const { name, timeoutMs, run } of weatherCases(previewStories, awsWeathers, process.env))
    it(name, { timeout: timeoutMs }, () => run(console.log));
});
