import { describe, expect, it } from "vitest";
import type { WeatherFinding } from "./explore.ts";
import { formatWeatherReport } from "./weather-report.ts";

function aFinding(run: string, sentence: string): WeatherFinding {
  return { run, place: "reset after at Kitchen.Start", invariant: "left", sentence, said: "boiled" };
}

function toLines(findings: readonly WeatherFinding[]): readonly string[] {
  return formatWeatherReport({ story: "tea", moments: {}, runs: 9, leftOut: 0, ms: 0, findings, decided: {} })
    .split("\n")
    .slice(1);
}

describe("formatWeatherReport", () => {
  it("prints a run once that breaks a promise twice in the same way", () => {
    const lines = toLines([aFinding("run 1", "kettle 12ab34cd"), aFinding("run 1", "kettle 56ef78ab")]);

    expect(lines).toEqual(["  reset after at Kitchen.Start: left: kettle … [run 1] said: boiled"]);
  });

  it("shows six runs of a kind, and the number of all", () => {
    const lines = toLines(Array.from({ length: 8 }, (_, index) => aFinding(`run ${index % 7}`, "a kettle")));

    expect(lines).toEqual([
      "  reset after at Kitchen.Start: left: a kettle [run 0; run 1; run 2; run 3; run 4; run 5; … 7] said: boiled",
    ]);
  });
});
