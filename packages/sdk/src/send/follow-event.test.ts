import type { HistoryEntry, StackDetails } from "@stackyard/core/api";
import { describe, expect, it } from "vitest";
import { EventNotAppliedError } from "../publisher.ts";
import { followEvent } from "./follow-event.ts";

const published = { kind: "accepted", eventId: "e2", stackId: "release" } as const;
const line = (over: Partial<HistoryEntry>): HistoryEntry => ({
  position: 2,
  at: "2026-01-01T00:00:00.000Z",
  eventId: "e2",
  stackId: "release",
  event: "RELEASE",
  outcome: "ignored",
  sent: [],
  notes: [],
  ...over,
});

/** A yard whose stack has done what an event asks for. */
function createYard(code: string) {
  const stack = { id: "release", state: "RELEASED" } as const satisfies Pick<StackDetails, "id" | "state">;
  return {
    waitForOutcome: () => Promise.reject(new EventNotAppliedError(line({ code }))),
    waitForStack: async () => Object.assign(Object.create(null), stack),
  };
}

describe("a job that is run again", () => {
  it("ends where the release is, if it says where it waits for", async () => {
    const options = { event: "RELEASE", until: ["RELEASED"], timeoutMs: 1_000 };

    const followed = await followEvent(createYard("EVENT_REPEATED"), published, options);

    expect(followed).toMatchObject({ entry: { code: "EVENT_REPEATED" }, stack: { state: "RELEASED" } });
  });

  it.each([
    ["EVENT_REPEATED", undefined],
    ["STACK_UNKNOWN", ["RELEASED"]],
  ])("fails with %s when it waits for %o", async (code, until) => {
    const following = followEvent(createYard(code), published, { event: "RELEASE", until, timeoutMs: 1_000 });

    await expect(following).rejects.toMatchObject({ entry: { code } });
  });
});
