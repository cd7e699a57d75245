import { describe, expect, it } from "vitest";
import { aHistoryEntry } from "../../testing/store-conformance/store-builders.ts";
import { toReplayEvent } from "./to-replay-event.ts";

const ATTEMPT = "s1/created/1/db/1";

describe("the event of a line", () => {
  it("is the event as it came, with the names of secrets in the place of their values", () => {
    const line = aHistoryEntry("e1", {
      ...{ actor: "kim", reason: "why", at: 5, confirmed: true },
      metadata: { password: { $secret: "password#3" }, url: "x", gone: "***" },
    });

    expect(toReplayEvent(line)).toEqual({
      ...{ id: "e1", stackId: "s1", name: "PUSH", at: 5, origin: "external", actor: "kim", reason: "why" },
      confirm: "s1",
      metadata: { password: "password#3", url: "x", gone: "***" },
    });
  });

  it.each([
    [`result:${ATTEMPT}`, "TASK_COMPLETED", "worker", ATTEMPT],
    [`cancelled:${ATTEMPT}`, "TASK_CANCELLED", "worker", ATTEMPT],
    [`deadline:${ATTEMPT}`, "TASK_TIMED_OUT", "worker", ATTEMPT],
    [`cancel:${ATTEMPT}`, "TASK_CANCELLED", "worker", ATTEMPT],
  ])("with the id %s, %s, is one of a %s", (eventId, event, origin, dispatchId) => {
    const replayed = toReplayEvent(aHistoryEntry(eventId, { event, internal: true }));

    expect([replayed.origin, replayed.dispatchId]).toEqual([origin, dispatchId]);
  });

  it.each([
    [`result:${ATTEMPT}`, "TASK_COMPLETED"],
    ["from-outside", "TASK_COMPLETED"],
    [`result:${ATTEMPT}`, "PUSH"],
  ])("with the id %s, %s, is one from outside where it came from there", (eventId, event) => {
    const replayed = toReplayEvent(aHistoryEntry(eventId, { event }));

    expect([replayed.origin, replayed.dispatchId]).toEqual(["external", undefined]);
  });

  it("names the attempt that an answer from outside named", () => {
    const line = aHistoryEntry("e1", { event: "TASK_COMPLETED", dispatchId: ATTEMPT });

    expect(toReplayEvent(line)).toMatchObject({ origin: "external", dispatchId: ATTEMPT });
  });

  it("says how a task failed, and what it gave", () => {
    const failure = { event: "TASK_ERROR", code: "QUOTA", description: "no room", retryable: false } as const;
    const outputs = { host: "h", key: { $secret: "tasks.db.outputs.key#1" }, lost: "***" };
    const line = aHistoryEntry(`result:${ATTEMPT}`, { internal: true, ...failure, task: "db", outputs });

    expect(toReplayEvent(line)).toMatchObject({
      ...{ name: "TASK_ERROR", code: "QUOTA", description: "no room", retryable: false, task: { name: "db" } },
      outputs: { host: "h", key: "tasks.db.outputs.key#1", lost: "***" },
      sensitiveOutputs: ["key", "lost"],
    });
    expect(toReplayEvent({ ...line, outcome: "refused" })).not.toHaveProperty("code");
  });

  it("is a timer's, an operator's", () => {
    expect(toReplayEvent(aHistoryEntry("t", { timer: "1/timeout" }))).toMatchObject({
      origin: "timer",
      timerId: "1/timeout",
    });
    expect(toReplayEvent(aHistoryEntry("e", { event: "SETTLE_TASK" })).as).toBe("succeeded");
    expect(toReplayEvent(aHistoryEntry("e", { event: "REMOVE_STACK" })).force).toBe(true);
  });
});
