import { describe, expect, it } from "vitest";
import { addIds, packIds, toIdHash, unpackIds } from "./event-ids.ts";
import { T0 } from "./testing/store-work.ts";

const none = { ids: [], idCount: 0, idsMoved: false };

describe("addIds", () => {
  it("keeps the newest in the item, and counts those that leave it", () => {
    const many = Array.from({ length: 30 }, (_, index) => `e${index}`);

    const { aggregate, moved } = addIds(none, many, T0);

    expect([aggregate.ids.length, aggregate.idCount, aggregate.idsMoved]).toEqual([8, 30, true]);
    expect([moved?.first, moved?.ids.length]).toEqual([1, 22]);
    expect(moved?.ids[0]).toEqual([toIdHash("e0"), T0]);
    expect(addIds(aggregate, ["e30"], T0)).toMatchObject({ aggregate: { idCount: 31 }, moved: undefined });
  });
});

describe("packed ids", () => {
  it("come back as they were", () => {
    const ids = [["e1", T0] as const, ["\ud800", 0] as const].map(([id, at]) => [toIdHash(id), at] as const);

    expect(unpackIds(packIds(ids, 70_000))).toEqual({ ids, count: 70_000 });
    expect(unpackIds(undefined)).toEqual({ ids: [], count: 0 });
  });

  it("differ for texts that no UTF-8 tells apart", () => {
    expect(toIdHash("\ud800")).not.toBe(toIdHash("\ud801"));
  });
});
