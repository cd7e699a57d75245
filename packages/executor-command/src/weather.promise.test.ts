import { commonWeathers, weatherCases } from "@stackyard/core/testing";
import { describe, it } from "vitest";
import { commandStories } from "./testing/weather-stories.ts";

// With LONG_TESTS, pairs of weathers; `npm run weather` plays all runs.
describe("programs keep their promises in every weather", () => {
  for (const { name, timeoutMs, run } of weatherCases(commandStories, commonWeathers, process.env))
    it(name, { timeout: timeoutMs }, () => run(console.log));
});
