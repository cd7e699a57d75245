import { describe, expect, it } from "vitest";
import { findCell, layOut } from "./draw-cells.ts";

describe("layOut", () => {
  it.each([
    [10, 1_200, { columns: 75, rows: 1, cellPx: 16 }],
    [10_000, 1_200, { columns: 171, rows: 59, cellPx: 7 }],
    [10_000, 320, { columns: 64, rows: 157, cellPx: 5 }],
    [3, 0, { columns: 1, rows: 3, cellPx: 16 }],
  ])("lays out %d instances on %d px", (count, widthPx, layout) => {
    expect(layOut(count, widthPx, count)).toEqual(layout);
  });
});

describe("findCell", () => {
  const layout = { columns: 10, rows: 2, cellPx: 8 };

  it.each([
    [0, 0, 0],
    [79, 7, 9],
    [0, 8, 10],
    [80, 0, -1],
    [-1, 0, -1],
  ])("finds the cell at %d, %d", (x, y, index) => {
    expect(findCell(layout, x, y)).toBe(index);
  });
});
