import { describe, expect, it } from "vitest";
import { findEffect } from "./effect.ts";
import { tasks } from "./tasks.ts";

const OLD = `version: 2
events: [OPENED, CLOSED]
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { after: [{ in: 1h, event: CLOSED }], on: { CLOSED: GONE } }
  GONE: { terminal: true }
`;
const { hash } = tasks.parse({ name: "shop", text: OLD });

function stackIn(state: string, id: string) {
  return { id, machine: "shop", hash, now: "2026-11-20T03:00:00.000Z", state, metadata: {} };
}

describe("findEffect", () => {
  it("moves stacks whose state the text has, and says why others stay", () => {
    const text = OLD.replaceAll("LIVE", "UP").replace("on: { OPENED: UP }", "on: { OPENED: UP, CLOSED: GONE }");

    const lines = findEffect({
      name: "shop",
      text,
      revisions: [OLD],
      stacks: [stackIn("INIT", "a"), stackIn("LIVE", "b")],
    });

    expect(lines).toMatchObject([
      { outcome: "applied", differences: [] },
      { outcome: "refused", code: "UPGRADE_STATE_MISSING", reason: expect.stringContaining("LIVE") },
    ]);
  });

  it("says that the revision of a stack is not loaded", () => {
    const text = OLD.replace("1h", "2h");

    expect(findEffect({ name: "shop", text, revisions: [], stacks: [stackIn("LIVE", "a")] })).toMatchObject([
      { outcome: "refused", code: "MACHINE_UNKNOWN" },
    ]);
  });
});
