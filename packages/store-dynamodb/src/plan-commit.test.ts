import { describe, expect, it } from "vitest";
import { type AppliedId, EMPTY } from "./aggregate.ts";
import type { PlacedAggregate } from "./placed-aggregate.ts";
import { planCommit } from "./plan-commit.ts";
import { aChange, aParkedEvent, aPut, aStack, T0 } from "./testing/store-work.ts";

const live: PlacedAggregate = {
  ...EMPTY,
  version: 7,
  floor: 7,
  stack: aStack(),
  stackVersion: 5,
  place: { kind: "live", version: 7 },
};
const absent: PlacedAggregate = { ...EMPTY, place: { kind: "shadow", row: undefined } };

describe("planCommit", () => {
  it("counts every write, and gives the stack a new version only with a new record", () => {
    expect(planCommit(live, aPut()).next).toMatchObject({ version: 8, stackVersion: 8 });
    expect(planCommit(live, aChange()).next).toMatchObject({ version: 8, stackVersion: 5 });
  });

  it("begins above everything that there was, and above what items of the predecessor count as", () => {
    expect(planCommit(absent, aPut())).toMatchObject({ home: "live", next: { version: 2, isFresh: true } });
    expect(planCommit({ ...absent, version: 3, floor: 9 }, aPut()).next).toMatchObject({
      version: 10,
      shadowVersion: 3,
    });
  });

  it("keeps what is committed while there is no stack in the shadow", () => {
    const { home, next } = planCommit(absent, aChange({ park: [aParkedEvent("p1")] }));

    expect([home, next.stack, next.stackVersion]).toEqual(["shadow", undefined, 0]);
    expect(next.parked).toEqual([{ id: "p1", nextTryAt: T0 + 60_000, version: 2 }]);
  });

  it("marks a removed stack, and leaves its record for the tombstone", () => {
    expect(planCommit(live, aChange({ write: { kind: "remove" } })).next).toMatchObject({
      isRemoved: true,
      version: 8,
    });
    expect(planCommit(absent, aChange({ write: { kind: "remove" } })).next.isRemoved).toBe(false);
  });

  it("parks an event again in its place, and behind those of before otherwise", () => {
    const parked = ["p1", "p2"].map((id) => ({ id, nextTryAt: T0, version: 3 }));
    const change = aChange({ park: [aParkedEvent("p3"), aParkedEvent("p1")], unpark: ["nothing"] });

    const { next } = planCommit({ ...live, parked, parkedHidden: { at: T0, until: T0 + 1 } }, change);

    expect(next.parked.map(({ id, version }) => [id, version])).toEqual([
      ["p1", 8],
      ["p2", 3],
      ["p3", 8],
    ]);
    expect(next.parkedHidden).toBeUndefined();
  });

  it("keeps what was handed out of a kept stack, and forgets it with a new record", () => {
    const timerHidden = { at: T0, until: T0 + 1 };

    expect(planCommit({ ...live, timerHidden }, aChange()).next.timerHidden).toEqual(timerHidden);
    expect(planCommit({ ...live, timerHidden }, aPut()).next.timerHidden).toBeUndefined();
  });

  it("holds up to 250 ids, then moves all but the newest 200, each with its number", () => {
    const ids = Array.from({ length: 250 }, (_, index) => [`e${index}`, T0] as AppliedId);
    const full = { ...live, ids, idCount: 400 };

    expect(planCommit({ ...full, ids: ids.slice(1) }, aChange({ appliedIds: ["new"] })).moved).toEqual([]);
    const { next, moved } = planCommit(full, aChange({ appliedIds: ["new"], now: T0 + 1 }));

    expect([next.ids.length, next.ids.at(-1), next.idCount, next.idsMoved]).toEqual([200, ["new", T0 + 1], 401, true]);
    expect([moved.length, moved[0], moved.at(-1)]).toEqual([
      51,
      { id: "e0", at: T0, no: 151 },
      { id: "e50", at: T0, no: 201 },
    ]);
  });
});
