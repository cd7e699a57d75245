import { describe, expect, it } from "vitest";
import { isScheduleEvent } from "./schedule-event.ts";

describe("isScheduleEvent", () => {
  it.each(["aws.events", "aws.scheduler"])("knows what a schedule of %s calls with", (source) => {
    const event = { version: "0", id: "1", "detail-type": "Scheduled Event", source, detail: {}, resources: [] };

    expect(isScheduleEvent(event)).toBe(true);
  });

  it.each([null, undefined, "x", {}, { source: "aws.events" }, { source: "aws.s3", "detail-type": "Scheduled Event" }])(
    "takes nothing else for one: %j",
    (event) => {
      expect(isScheduleEvent(event)).toBe(false);
    },
  );
});
