import { expect, it } from "vitest";
import { toAge } from "./age.ts";

it.each([
  [0, "0s"],
  [999, "0s"],
  [12_000, "12s"],
  [60_000, "1m"],
  [61_000, "1m 1s"],
  [3_600_000 + 5_000, "1h"],
  [90_000_000, "1d 1h"],
  [-5_000, "0s"],
])("tells %i ms as %s", (ms, text) => {
  expect(toAge("2030-01-01T00:00:00.000Z", Date.UTC(2030, 0, 1) + ms)).toBe(text);
});
