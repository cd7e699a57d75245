import type { HistoryEntry } from "@stackyard/core/engine";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LineRow, parseLine, toLineColumns } from "./line-text.ts";
import { createRevisionNumbers } from "./revision-numbers.ts";

const HASH = "0123456789abcdef".repeat(4);
const numbers = createRevisionNumbers();
numbers.note(HASH, HASH);

function aLine(overrides: Partial<HistoryEntry> = {}): HistoryEntry {
  return {
    stackId: "s1",
    at: 5,
    eventId: "result:s1/e1/3/deploy/2",
    event: "TASK_COMPLETED",
    outcome: "applied",
    sent: ["next"],
    notes: [],
    internal: true,
    incarnation: "e1",
    from: "A",
    to: "B",
    task: "deploy",
    machineHash: HASH,
    ...overrides,
  };
}

function toRow(entry: HistoryEntry): LineRow {
  const { at, stack, id, body, revision } = toLineColumns(entry, numbers);
  return { position: 1, at, stack_id: stack, event_id: id, body, hash: revision === null ? null : HASH };
}

describe("a line of the history", () => {
  it("repeats in its document neither ids nor what most lines of a result have", () => {
    const row = toRow(aLine());

    expect(row.body).toBe('{"sent":["next"],"from":"A","to":"B"}');
    expect(parseLine(row)).toEqual(aLine());
  });

  it("has the hash of a revision that this process has not stored", () => {
    const entry = aLine({ machineHash: "f".repeat(64) });

    expect(toLineColumns(entry, numbers).revision).toBe(null);
    expect(parseLine(toRow(entry))).toEqual(entry);
  });

  it("has an event id that is too long for an index", () => {
    const entry = aLine({ eventId: "é".repeat(1_000) });

    expect(parseLine(toRow(entry))).toEqual(entry);
  });

  it("is read back as it was written", () => {
    const text = fc.constantFrom("", "s1", "e1", "deploy", "\0", "\uD800");
    const line = fc.record(
      {
        stackId: text,
        at: fc.nat(),
        eventId: fc.constantFrom("e1", "result:", "result:s1/e1/3/deploy/2", "result:s1/%/3/x/2"),
        event: fc.constantFrom("TASK_COMPLETED", "GO"),
        outcome: fc.constantFrom("applied" as const, "ignored" as const),
        sent: fc.array(text, { maxLength: 1 }),
        notes: fc.array(text, { maxLength: 1 }),
        internal: fc.constant(true as const),
        incarnation: text,
        task: text,
        machineHash: fc.constantFrom(HASH, "", "other"),
        reason: text,
        metadata: fc.constantFrom(null, { a: null }),
      },
      { requiredKeys: ["stackId", "at", "eventId", "event", "outcome", "sent", "notes"] },
    );

    fc.assert(
      fc.property(line, (entry) => {
        expect(parseLine(toRow(entry as HistoryEntry))).toEqual(entry);
      }),
    );
  });
});

describe("the number of a revision", () => {
  it("is known once it was stored, and only if it means that revision", () => {
    const other = createRevisionNumbers();
    other.note(HASH, "another one with the same number");
    other.note("not a hash", "not a hash");

    expect(other.find(HASH)).toBe(undefined);
    expect(other.find("not a hash")).toBe(undefined);
    expect(numbers.find(HASH)).toBe(0x0123456789abc);
  });
});
