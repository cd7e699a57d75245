import { awsWeathers } from "@stackyard/aws-sim";
import { weatherCases } from "@stackyard/core/testing";
import { describe, it } from "vitest";
import { releaseStories } from "./testing/release-stories.ts";
import { turnStories } from "./testing/turn-stories.ts";
import { gateStories } from "./testing/weather-stories.ts";

const stories = [...gateStories, ...releaseStories, ...turnStories];

// With LONG_TESTS, pairs of weathers; `npm run weather` plays all runs.
describe("releases and gates keep their promises in every weather", () => {
  for (const { name, timeoutMs, run } of weatherCases(stories, awsWeathers, process.env))
    it(name, { timeout: timeoutMs }, () => run(console.log));
});
