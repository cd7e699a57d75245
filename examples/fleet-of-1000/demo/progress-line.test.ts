import { expect, it } from "vitest";
import { toProgressLine } from "./progress-line.ts";

const counts = { selected: 1_000, succeeded: 0, failed: 0, running: 0, skipped: 0, notSent: 1_000 };

it.each([
  [counts, 0, `  0:00  [${" ".repeat(40)}]  0 of 1000 done  0 at work  1000 waiting  0 failed`],
  [
    { ...counts, succeeded: 500, running: 250, failed: 1, notSent: 249 },
    65_000,
    `  1:05  [${"#".repeat(20)}${">".repeat(10)}${" ".repeat(9)}x]  500 of 1000 done  250 at work  249 waiting  1 failed`,
  ],
  [
    { ...counts, succeeded: 970, failed: 30, notSent: 0 },
    900_000,
    ` 15:00  [${"#".repeat(38)} x]  970 of 1000 done  0 at work  0 waiting  30 failed`,
  ],
])("shows %j", (given, elapsedMs, line) => {
  expect(toProgressLine(given, elapsedMs)).toBe(line);
});

it("needs no instance", () => {
  expect(toProgressLine({ ...counts, selected: 0, notSent: 0 }, 0)).toContain(`[${" ".repeat(40)}]`);
});
