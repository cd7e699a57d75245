import { describe, expect, it } from "vitest";
import {
  isLarge,
  LANES,
  type LaneEvent,
  listVisible,
  parseReceipt,
  toEventReceipt,
  toTaskReceipt,
} from "./lane-row.ts";
import { anEvent, T0 } from "./testing/store-work.ts";

function anEntry(no: number, visibleAt = 0): LaneEvent {
  return { no, id: `e${no}`, dueAt: T0, visibleAt, deliveries: 0, event: anEvent(`e${no}`) };
}

describe("listVisible", () => {
  it("ends before the first event that is out or waits for its instant", () => {
    const events = [anEntry(1), anEntry(2, T0), anEntry(3, T0 + 1), anEntry(4)];

    expect(listVisible({ stackId: "s1", events }, T0).map(({ no }) => no)).toEqual([1, 2]);
    expect(listVisible({ stackId: "s1", events: events.slice(2) }, T0)).toEqual([]);
    expect(listVisible({ stackId: "s1", events: [anEntry(1)] }, T0)).toHaveLength(1);
  });
});

describe("LANES", () => {
  it("is due when its first event is, and at once while nobody has taken it", () => {
    expect(LANES.toIndex({ stackId: "s1", events: [anEntry(1, T0), anEntry(2)] })).toEqual({
      workKey: "event",
      workAt: T0,
      queued: 2,
    });
    expect(LANES.toIndex({ stackId: "s1", events: [anEntry(1)] })["workAt"]).toBeLessThan(0);
  });
});

describe("isLarge", () => {
  it("holds for events that would fill a lane", () => {
    expect(isLarge(anEvent("e1"))).toBe(false);
    const noise = Array.from({ length: 3000 }, (_, index) => (index * 7919) % 99_991);
    expect(isLarge(anEvent("e1", { message: { noise } }))).toBe(true);
  });
});

describe("parseReceipt", () => {
  it("reads receipts of events, tasks and returns, whatever the ids hold", () => {
    expect(parseReceipt(toEventReceipt("a:1\nb", 17))).toEqual({ kind: "event", no: 17, id: "a:1\nb" });
    expect(parseReceipt(toEventReceipt("", 17))).toEqual({ kind: "event", no: 17, id: "" });
    expect(parseReceipt(toTaskReceipt("a/1", 2))).toEqual({ kind: "task", no: 2, id: "a/1" });
    expect(parseReceipt("poll:a/1")).toEqual({ kind: "return", id: "a/1" });
  });

  it.each(["", "nothing", "event:x:s1", "event:1"])("passes over %j", (receipt) => {
    expect(parseReceipt(receipt)).toBeUndefined();
  });
});
