import { expect, it } from "vitest";
import { toClock } from "./clock.ts";

it.each([
  [0, "00:00"],
  [545_999, "09:05"],
  [3_600_000, "1:00:00"],
  [86_399_000, "23:59:59"],
  [183_600_000, "2 d 03:00"],
])("writes %d ms since the start as %s", (ms, expected) => {
  expect(toClock(ms)).toBe(expected);
});
