import { describe, expect, it } from "vitest";
import { type Aggregate, EMPTY } from "./aggregate.ts";
import { toTombstone, toUnsettled, withShadow } from "./load-aggregate.ts";
import type { ShadowRow } from "./shadow-row.ts";
import { aStack } from "./testing/store-work.ts";

const live: Aggregate = {
  ...EMPTY,
  version: 5,
  floor: 5,
  stack: aStack(),
  stackVersion: 5,
  ids: [["e2", 2]],
  idCount: 1,
  parked: [{ id: "p2", nextTryAt: 2, version: 5 }],
  shadowVersion: 3,
};

const shadow: ShadowRow = {
  stackId: "s1",
  version: 4,
  removedVersion: 2,
  ids: [["e1", 1]],
  idCount: 1,
  idsMoved: false,
  parked: [{ id: "p1", nextTryAt: 1, version: 4 }],
  outbox: [],
};

describe("withShadow", () => {
  it("takes over what was committed for no stack after this one had begun", () => {
    expect(withShadow(live, shadow)).toMatchObject({
      ids: [
        ["e1", 1],
        ["e2", 2],
      ],
      idCount: 2,
      parked: [{ id: "p2" }, { id: "p1" }],
      shadowVersion: 4,
    });
  });

  it("takes nothing over twice", () => {
    expect(withShadow({ ...live, shadowVersion: 4 }, shadow)).toMatchObject({ ids: live.ids, parked: live.parked });
    expect(withShadow(live, undefined)).toBe(live);
  });
});

describe("toUnsettled", () => {
  it("knows an item whose life had ended before it was written", () => {
    const late = toUnsettled(live, { ...shadow, removedVersion: 5 });

    expect(late.place).toEqual({ kind: "zombie", version: 5 });
    expect([late.stack, late.stackVersion]).toEqual([undefined, 0]);
  });

  it("sees no stack in one that has ended, but what it remembers and what is parked", () => {
    const ended = toUnsettled({ ...live, isRemoved: true }, undefined);

    expect([ended.stack, ended.stackVersion, ended.place.kind]).toEqual([undefined, 0, "removed"]);
    expect([ended.ids, ended.parked]).toEqual([live.ids, live.parked]);
  });
});

describe("toTombstone", () => {
  it("remembers the ids and what is parked, and the version that ended the life", () => {
    const tombstone = toTombstone(live, { ...shadow, version: 3 }, "s1");

    expect(tombstone).toMatchObject({
      stackId: "s1",
      version: 5,
      removedVersion: 5,
      ids: live.ids,
      parked: live.parked,
    });
  });

  it("changes nothing when it is made again", () => {
    const once = toTombstone(live, undefined, "s1");

    expect(toTombstone(live, once, "s1")).toBe(once);
  });
});
