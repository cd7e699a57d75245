import { describe, expect, it } from "vitest";
import { EMPTY, findNextDueAt, findRepairAt, findTimerAt, toDueAttributes } from "./aggregate.ts";
import { toOutboxEntry } from "./outbox-entry.ts";
import { aChange, aLine, aStack, T0 } from "./testing/store-work.ts";

const timers = [
  { id: "late", event: "TICK", dueAt: T0 + 20 },
  { id: "soon", event: "TICK", dueAt: T0 + 10 },
];
const timed = { ...EMPTY, stack: aStack({ timers }) };
const entry = toOutboxEntry(aChange({ history: [aLine("e1")] }), { version: 2, home: "live" });

describe("findNextDueAt", () => {
  it("is the first of all timers and parked events", () => {
    const parked = [{ id: "p1", nextTryAt: T0 + 5, version: 1 }];

    expect(findNextDueAt(EMPTY)).toBeUndefined();
    expect(findNextDueAt(timed)).toBe(T0 + 10);
    expect(findNextDueAt({ ...timed, parked })).toBe(T0 + 5);
  });

  it("is later when the first timer was handed out, and as before when another one is the first by now", () => {
    const hidden = { at: T0 + 10, until: T0 + 99 };

    expect(findNextDueAt({ ...timed, timerHidden: hidden })).toBe(T0 + 99);
    expect(findNextDueAt({ ...timed, timerHidden: { ...hidden, at: T0 + 9 } })).toBe(T0 + 10);
  });

  it("finds what a commit has left to do, some time after it", () => {
    const pending = { ...EMPTY, outbox: entry === undefined ? [] : [entry] };

    expect(findRepairAt(pending)).toBe(T0 + 10_000);
    expect(findNextDueAt({ ...timed, ...pending })).toBe(T0 + 10);
  });

  it("has no timers of a stack that has ended", () => {
    expect(findTimerAt({ ...timed, isRemoved: true })).toBeUndefined();
  });
});

describe("toDueAttributes", () => {
  it("gives a stack the same shard in every process", () => {
    expect(toDueAttributes("s1", timed)).toEqual(toDueAttributes("s1", timed));
    expect(toDueAttributes("s1", EMPTY)).toEqual({});
  });
});

describe("toOutboxEntry", () => {
  it("is none when nothing follows from a change", () => {
    expect(toOutboxEntry(aChange({ appliedIds: ["e1"] }), { version: 2, home: "live" })).toBeUndefined();
    expect(entry).toMatchObject({ version: 2, home: "live", now: T0, history: [aLine("e1")] });
  });
});
