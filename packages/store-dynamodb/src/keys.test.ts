import { describe, expect, it } from "vitest";
import { addIds, packIds, sizeOfItem, toIdHash, toKeyPart, toShard, toSortable, unpackIds } from "./keys.ts";
import { T0 } from "./testing/store-work.ts";

const none = { ids: [], idCount: 0, idsMoved: false };

describe("addIds", () => {
  const at = (keys: readonly string[]) => keys.map((key) => ({ key, at: T0 }));

  it("keeps the newest in the item, and counts those that leave it", () => {
    const many = Array.from({ length: 30 }, (_, index) => `e${index}`);

    const { aggregate, moved } = addIds(none, at(many));

    expect([aggregate.ids.length, aggregate.idCount, aggregate.idsMoved]).toEqual([8, 30, true]);
    expect([moved?.first, moved?.ids.length]).toEqual([1, 22]);
    expect(moved?.ids[0]).toEqual([toIdHash("e0"), T0]);
    expect(addIds(aggregate, at(["e30"]))).toMatchObject({ aggregate: { idCount: 31 }, moved: undefined });
  });
});

describe("packed ids", () => {
  it("come back as they were", () => {
    const ids = [["e1", T0] as const, ["\ud800", 0] as const].map(([id, at]) => [toIdHash(id), at] as const);

    expect(unpackIds(packIds(ids, 70_000))).toEqual({ ids, count: 70_000 });
    expect(unpackIds(undefined)).toEqual({ ids: [], count: 0 });
  });

  it("differ for texts whose UTF-8 is the same", () => {
    expect(toIdHash("\ud800")).not.toBe(toIdHash("\ud801"));
  });
});

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

describe("toKeyPart", () => {
  it("returns an id unchanged, and hashes an id that does not fit in a key", () => {
    expect(toKeyPart("pr-1/né ✓")).toBe("pr-1/né ✓");
    expect(toKeyPart("é".repeat(401))).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(toKeyPart("\ud800")).toMatch(/^sha256:/);
    expect(toKeyPart("\ud800")).not.toBe(toKeyPart("\ud801"));
  });
});

describe("toShard", () => {
  it("spreads ids over all shards, the same in every process", () => {
    const shards = Array.from({ length: 200 }, (_, index) => toShard(`pr-${index}`, 16));

    expect(new Set(shards).size).toBe(16);
    expect(Math.max(...shards)).toBeLessThan(16);
    expect(toShard("pr-1", 16)).toBe(toShard("pr-1", 16));
  });
});

describe("toSortable", () => {
  it("sorts as the number does", () => {
    const numbers = [9, 10, 123_456, Number.MAX_SAFE_INTEGER];

    expect(numbers.map(toSortable).toSorted()).toEqual(numbers.map(toSortable));
  });
});
