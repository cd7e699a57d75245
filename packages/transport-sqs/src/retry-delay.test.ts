import { expect, it } from "vitest";
import { retryDelayMs } from "./retry-delay.ts";

it("hides what fails longer and longer, and gives five deliveries over four minutes", () => {
  expect([1, 2, 3, 4, 5, 99].map(retryDelayMs)).toEqual([2_000, 15_000, 60_000, 180_000, 300_000, 300_000]);
});
