import { describe, expect, it } from "vitest";
import { sizeOfItem } from "./item-size.ts";

// Sizes by https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
describe("sizeOfItem", () => {
  it("counts names and texts as UTF-8", () => {
    expect(sizeOfItem({ id: { S: "é✓" } })).toBe(2 + 5);
  });

  it("counts one byte for a truth value and for nothing", () => {
    expect(sizeOfItem({ a: { BOOL: true }, b: { NULL: true } })).toBe(4);
  });

  it("counts lists and maps with three bytes and one for each member", () => {
    expect(sizeOfItem({ l: { L: [{ S: "ab" }, { S: "c" }] } })).toBe(1 + 3 + 2 + 3);
    expect(sizeOfItem({ m: { M: { k: { S: "v" } } } })).toBe(1 + 3 + 1 + 2);
  });

  it("counts bytes, and a number with no less than DynamoDB does", () => {
    expect(sizeOfItem({ b: { B: new Uint8Array(10) } })).toBe(11);
    expect(sizeOfItem({ n: { N: "1767225600000" } })).toBeGreaterThanOrEqual(1 + 8);
  });
});
