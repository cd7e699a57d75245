import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AuditEntry, toBoundedEntry } from "./audit-entry.ts";

const entry: AuditEntry = {
  id: "01K",
  at: 1_000,
  action: "CANCEL_TASK",
  outcome: "done",
  who: { kind: "person", id: "https://id.example.org 00u1", name: "ada", groups: ["ops"] },
  via: "api",
  on: { machine: "review-app", stackId: "pr-1", eventId: "e1" },
};

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

describe("toBoundedEntry", () => {
  it("keeps an entry of the usual size unchanged", () => {
    expect(toBoundedEntry({ ...entry, reason: "stuck" })).toEqual({ ...entry, reason: "stuck" });
  });

  it("cuts the reason first, at whole characters", () => {
    const bounded = toBoundedEntry({ ...entry, reason: "🦊".repeat(4_096) });

    expect(bytesOf(bounded)).toBeGreaterThan(8_000);
    expect(bytesOf(bounded)).toBeLessThanOrEqual(8_192 - 128);
    expect(bounded).toEqual({ ...entry, reason: expect.stringMatching(/^(?:🦊)+…$/u) });
  });

  it("leaves groups out when names and ids alone are too long", () => {
    const groups = Array.from({ length: 200 }, (_, index) => `${index}-${"g".repeat(128)}`);

    const bounded = toBoundedEntry({ ...entry, who: { ...entry.who, groups }, reason: "stuck" });

    expect(bytesOf(bounded)).toBeLessThanOrEqual(8_192 - 128);
    expect(groups.slice(0, bounded.who.groups.length)).toEqual(bounded.who.groups);
    expect(bounded).toMatchObject({ on: entry.on, reason: "stuck" });
  });

  it("replaces secrets of tokens in every text", () => {
    const secret = `syt_${"a".repeat(49)}`;

    const bounded = toBoundedEntry({ ...entry, reason: `leaked ${secret}`, on: { key: secret } });

    expect(bounded).toMatchObject({ reason: "leaked syt_***", on: { key: "syt_***" } });
  });

  it("never gets longer than a line may be", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 9_000, size: "max" });
    fc.assert(
      fc.property(text, text, text, fc.array(text, { maxLength: 3 }), (reason, name, task, groups) => {
        const bounded = toBoundedEntry({
          ...entry,
          reason,
          who: { ...entry.who, id: name, name, groups },
          on: { ...entry.on, task, attemptId: task },
        });
        expect(bytesOf(bounded)).toBeLessThanOrEqual(8_192 - 128);
      }),
      { numRuns: 50 },
    );
  });
});
