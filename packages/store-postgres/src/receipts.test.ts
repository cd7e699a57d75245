import { describe, expect, it } from "vitest";
import { parseReceipts, toEventReceipt, toTaskReceipt } from "./receipts.ts";

describe("parseReceipts", () => {
  it("parts events, tasks and other leases", () => {
    const receipts = [
      toEventReceipt(7, "a:b\nc"),
      toEventReceipt(8, ""),
      toTaskReceipt(9),
      "poll:1:2:3",
      "lapsedLease:4:5:6",
    ];

    expect(parseReceipts(receipts)).toEqual({
      events: [
        { seq: 7, stack: "a:b\nc" },
        { seq: 8, stack: "" },
      ],
      tasks: [9],
      others: ["poll:1:2:3", "lapsedLease:4:5:6"],
    });
  });

  it("passes over what it does not know", () => {
    const none = { events: [], tasks: [], others: [] };
    expect(parseReceipts(["", "event:", "event:x", "event:99999999999999999999:a", "task:-1", "timer:1"])).toEqual(
      none,
    );
  });
});
