import { weatherCases } from "@stackyard/core/testing";
import { terraformWeathers } from "@stackyard/tf-sim";
import { describe, it } from "vitest";
import { adoptStories } from "./testing/weather/adopt-stories.ts";
import { adoptWeathers } from "./testing/weather/adopt-weathers.ts";
import { terraformStories } from "./testing/weather-stories.ts";

// With LONG_TESTS, pairs of weathers; `npm run weather` plays all runs.
describe("the borders of Terraform keep their promises in every weather", () => {
  for (const { name, timeoutMs, run } of weatherCases(terraformStories, terraformWeathers, process.env))
    it(name, { timeout: timeoutMs }, () => run(console.log));
});

describe("environments that are adopted keep their promises in every weather", () => {
  for (const { name, timeoutMs, run } of weatherCases(adoptStories, adoptWeathers, process.env))
    it(name, { timeout: timeoutMs }, () => run(console.log));
});
