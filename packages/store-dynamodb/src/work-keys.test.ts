import { describe, expect, it } from "vitest";
import { toKeyPart, toShard, toSortable } from "./work-keys.ts";

describe("toKeyPart", () => {
  it("leaves an id as it is, and hashes one that no key can hold", () => {
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
