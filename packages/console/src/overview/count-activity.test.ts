import type { HistoryEntry } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { countActivity } from "./count-activity.ts";

const entry = (at: number, event = "PUSHED"): HistoryEntry => ({
  position: at,
  stackId: "pr-1",
  at: new Date(at).toISOString(),
  eventId: `e${at}`,
  event,
  outcome: "applied",
  sent: [],
  notes: [],
});

describe("countActivity", () => {
  it("counts events, failures and successes in equal slots, without what is older", () => {
    const entries = [entry(50), entry(100), entry(199, "TASK_ERROR"), entry(200, "TASK_COMPLETED")];

    expect(countActivity(entries, { from: 100, now: 200, slots: 2 })).toEqual([
      { from: 100, events: 1, failures: 0, successes: 0 },
      { from: 150, events: 2, failures: 1, successes: 1 },
    ]);
  });
});
