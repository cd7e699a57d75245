import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toEventEntry } from "./to-event-entry.ts";

const MAX = 1_000_000;

describe("toEventEntry", () => {
  it("writes the event with its id, as the yard reads it", () => {
    const event = {
      stackId: "pr-12",
      event: "LAUNCH",
      id: "e1",
      machine: "review-app",
      metadata: { n: 1, note: null },
    };

    const entry = toEventEntry(event, MAX);

    expect(entry).toEqual({ kind: "ready", eventId: "e1", stackId: "pr-12", body: JSON.stringify(event), bytes: 100 });
  });

  it("makes an id where there is none", () => {
    const [first, second] = [1, 2].map(() => toEventEntry({ stackId: "s", event: "GO" }, MAX));

    expect(first).toMatchObject({ eventId: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(second).not.toMatchObject({ eventId: first?.kind === "ready" ? first.eventId : "" });
  });

  it.each([
    [{ stackId: "", event: "GO" }, "EVENT_INVALID", "stackId"],
    [{ stackId: "s", event: "" }, "EVENT_INVALID", "event"],
    [{ stackId: "s", event: "NEXT" }, "EVENT_RESERVED", "NEXT"],
    [{ stackId: "s", event: "TASK_TIMED_OUT" }, "EVENT_RESERVED", "TASK_TIMED_OUT"],
  ])("refuses %j as the yard's door does", (event, code, reason) => {
    expect(toEventEntry(event, MAX)).toMatchObject({ kind: "invalid", code, reason: expect.stringContaining(reason) });
  });

  it("refuses what JSON cannot hold", () => {
    const metadata = { size: 1n } as never;

    expect(toEventEntry({ stackId: "s", event: "GO", metadata }, MAX)).toMatchObject({
      kind: "invalid",
      code: "EVENT_INVALID",
    });
  });

  it("refuses what fits into no message", () => {
    const event = { stackId: "s", event: "GO", id: "e", metadata: { text: "ü".repeat(100) } };

    expect(toEventEntry(event, 200)).toMatchObject({
      kind: "invalid",
      code: "PAYLOAD_TOO_LARGE",
      reason: expect.stringContaining("200 fit"),
    });
  });

  it("escapes what queues refuse, and changes nothing by it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 20 }), (text) => {
        const entry = toEventEntry({ stackId: "s", event: "GO", id: "e", metadata: { text } }, MAX);
        if (entry.kind !== "ready") return false;
        return /^[ -\ud7ff\ue000-\ufffd]*$/.test(entry.body) && JSON.parse(entry.body).metadata.text === text;
      }),
    );
  });
});
