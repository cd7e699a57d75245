import { weatherCases } from "@stackyard/core/testing";
import { hostWeathers } from "@stackyard/host-sim";
import { describe, it } from "vitest";
import { hostStories } from "./testing/weather-stories.ts";

// With LONG_TESTS, pairs of weathers; `npm run weather` plays all runs.
describe("pull requests and their previews keep their promises in every weather", () => {
  for (const { name, timeoutMs, run } of weatherCases(hostStories, hostWeathers, process.env))
    it(name, { timeout: timeoutMs }, () => run(console.log));
});
