import { describe, expect, it } from "vitest";
import { parseReceipts, QueueFloor, toEventReceipt } from "./work-queue.ts";

describe("QueueFloor", () => {
  it("begins where the last full take has found its first row", () => {
    const floor = new QueueFloor();
    expect(floor.next(1_000)).toBe(0);

    floor.note([70, 71, 75], true);

    expect(floor.next(1_001)).toBe(70);
  });

  it("scans the whole queue after a call that received less than its limit", () => {
    const floor = new QueueFloor();
    floor.next(1_000);
    floor.note([70, 71], true);

    floor.note([72], false);

    expect(floor.next(1_001)).toBe(0);
  });

  it("scans the whole queue after a release", () => {
    const floor = new QueueFloor();
    floor.next(1_000);
    floor.note([70, 71], true);

    floor.reset();

    expect(floor.next(1_001)).toBe(0);
  });

  it("scans the whole queue every 200 ms, however full the results are, and when the clock goes back", () => {
    const floor = new QueueFloor();
    floor.next(1_000);
    floor.note([70], true);
    expect(floor.next(1_199)).toBe(70);

    expect(floor.next(1_200)).toBe(0);

    floor.note([90], true);
    expect(floor.next(1_201)).toBe(90);
    expect(floor.next(1_199)).toBe(0);
  });
});

describe("parseReceipts", () => {
  it("parts events, tasks and other leases", () => {
    const receipts = [toEventReceipt(7, "a:b\nc"), toEventReceipt(8, ""), "task:9", "poll:1:2:3", "lapsedLease:4:5:6"];

    expect(parseReceipts(receipts)).toEqual({
      events: [
        { seq: 7, stack: "a:b\nc" },
        { seq: 8, stack: "" },
      ],
      tasks: [9],
      others: ["poll:1:2:3", "lapsedLease:4:5:6"],
    });
  });

  it("ignores unknown values", () => {
    const none = { events: [], tasks: [], others: [] };
    expect(parseReceipts(["", "event:", "event:x", "event:99999999999999999999:a", "task:-1", "timer:1"])).toEqual(
      none,
    );
  });
});
