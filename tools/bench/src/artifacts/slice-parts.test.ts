import { expect, it } from "vitest";
import { PART_BYTES, sliceParts } from "./slice-parts.ts";

it.each([
  [0, []],
  [1, [[0, 0]]],
  [PART_BYTES, [[0, PART_BYTES - 1]]],
  [
    PART_BYTES + 1,
    [
      [0, PART_BYTES - 1],
      [PART_BYTES, PART_BYTES],
    ],
  ],
])("divides %d bytes", (bytes, expected) => {
  expect(sliceParts(bytes).map(({ from, to }) => [from, to])).toEqual(expected);
});
