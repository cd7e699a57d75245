import { describe, expect, it } from "vitest";
import { anEvent, aStack } from "../testing/builders.ts";
import { aDispatch, aQueuedEvent } from "../testing/store-conformance/store-builders.ts";
import { toHistoryEntry, toUnreadEntry } from "./history-line.ts";

const before = aStack({ state: "IDLE" });
const after = aStack({ state: "BUILD", entry: 1 });

describe("a line of the history", () => {
  it("tells what an applied event did", () => {
    const entry = toHistoryEntry({
      event: anEvent("LAUNCH", { actor: "kim", metadata: { sha: "9f1c" }, reason: "release" }),
      decision: {
        kind: "applied",
        stack: after,
        removed: false,
        dispatches: [aDispatch("a1", { task: "db" }), aDispatch("a2", { task: "app" })],
        cancels: [],
        closes: [],
        notes: ["stalled"],
      },
      outcome: "applied",
      before,
      notes: ["an older revision"],
    });

    expect(entry).toEqual({
      stackId: "pr-12",
      at: 1_000,
      eventId: "event-1",
      event: "LAUNCH",
      outcome: "applied",
      sent: ["db", "app"],
      notes: ["an older revision", "stalled"],
      life: "event-0",
      actor: "kim",
      reason: "release",
      from: "IDLE",
      to: "BUILD",
      metadata: { sha: "9f1c" },
      machineHash: "0".repeat(64),
    });
  });

  it("tells why an event was refused, and that the stack stays where it is", () => {
    const entry = toHistoryEntry({
      event: anEvent("TASK_ERROR", { task: { name: "db" }, description: "quota" }),
      decision: { kind: "rejected", code: "TASK_NOT_CURRENT", reason: "no such task" },
      outcome: "refused",
      before,
      notes: [],
    });

    expect(entry).toMatchObject({
      outcome: "refused",
      code: "TASK_NOT_CURRENT",
      reason: "no such task",
      from: "IDLE",
      to: "IDLE",
      task: "db",
      description: "quota",
      sent: [],
    });
  });

  it("names no states where there is no stack", () => {
    const entry = toHistoryEntry({
      event: anEvent("LAUNCH"),
      decision: { kind: "ignored", code: "STACK_UNKNOWN", reason: "none" },
      outcome: "ignored",
      before: undefined,
      notes: [],
    });

    expect(entry).toEqual({
      stackId: "pr-12",
      at: 1_000,
      eventId: "event-1",
      event: "LAUNCH",
      outcome: "ignored",
      code: "STACK_UNKNOWN",
      reason: "none",
      sent: [],
      notes: [],
    });
  });

  it.each([
    [{ event: "GO" }, "GO"],
    [{ action: "GO" }, "GO"],
    [{ event: 7 }, ""],
    [{}, ""],
  ])("names what cannot be read by what it calls itself: %j", (message, event) => {
    const why = { code: "EVENT_INVALID", reason: "no event", outcome: "set-aside", at: 5 } as const;

    expect(toUnreadEntry(aQueuedEvent("e1", { stackId: "", actor: "kim", message }), why)).toEqual({
      stackId: "",
      at: 5,
      eventId: "e1",
      event,
      actor: "kim",
      outcome: "set-aside",
      code: "EVENT_INVALID",
      reason: "no event",
      sent: [],
      notes: [],
    });
  });
});
