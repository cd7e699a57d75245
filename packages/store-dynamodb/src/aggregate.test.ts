import { describe, expect, it } from "vitest";
import {
  appendEvents,
  type LaneEvent,
  listVisible,
  parseReceipt,
  removeEvents,
  toEventReceipt,
  toTaskReceipt,
} from "./aggregate.ts";
import { T0 } from "./testing/store-work.ts";

function anEntry(no: number, overrides: Partial<LaneEvent> = {}): LaneEvent {
  return { no, id: `e${no}`, dueAt: T0, visibleAt: 0, deliveries: 0, ...overrides };
}

describe("appendEvents", () => {
  it("adds each id once, under growing numbers whatever the clock says", () => {
    const { aggregate, added } = appendEvents({ events: [anEntry(5)] }, "s1", [anEntry(5), anEntry(2), anEntry(2)]);

    expect(aggregate.events.map(({ no, id }) => [no, id])).toEqual([
      [5, "e5"],
      [6, "e2"],
    ]);
    expect(added.map(({ id }) => id)).toEqual(["e2"]);
  });

  it("refuses more than 1,500", () => {
    const events = Array.from({ length: 1_500 }, (_, index) => anEntry(index));

    expect(() => appendEvents({ events }, "s1", [anEntry(1_500)])).toThrow(/1500 events of the stack "s1" wait/);
  });
});

describe("listVisible", () => {
  it("ends before the first event that is out", () => {
    const events = [anEntry(1), anEntry(2, { visibleAt: T0 + 1 }), anEntry(3)];

    expect(listVisible({ events }, T0).map(({ no }) => no)).toEqual([1]);
    expect(listVisible({ events }, T0 + 1).map(({ no }) => no)).toEqual([1, 2, 3]);
  });
});

describe("removeEvents", () => {
  it("returns the separate rows that the item no longer names", () => {
    const lane = { events: [anEntry(1, { beside: "event#1" }), anEntry(2)] };

    expect(removeEvents(lane, [1, 9])).toEqual({ aggregate: { events: [anEntry(2)] }, unused: ["event#1"] });
    expect(removeEvents(lane, [9]).aggregate).toBe(lane);
  });
});

describe("a receipt", () => {
  it("identifies its work, whatever characters the id contains", () => {
    expect(parseReceipt(toEventReceipt("a:1\n", 7))).toEqual({ kind: "event", no: 7, stackId: "a:1\n" });
    expect(parseReceipt(toTaskReceipt("s/l/1/t/1", 2))).toEqual({ kind: "task", no: 2, attemptId: "s/l/1/t/1" });
    expect(parseReceipt("poll:a1")).toEqual({ kind: "return", attemptId: "a1" });
    expect(parseReceipt("nothing")).toBeUndefined();
  });
});
