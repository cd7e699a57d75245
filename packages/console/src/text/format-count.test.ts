import { expect, it } from "vitest";
import { formatCount } from "./format-count.ts";

it("formats what is known as a number, also 0, and nothing else", () => {
  expect([1_234, 0, undefined].map(formatCount)).toEqual(["1,234", "0", "–"]);
});
