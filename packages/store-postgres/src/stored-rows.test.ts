import { aStoredStack } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { toStackData } from "./stack-data.ts";
import { parseStackRow, readStackRow, type StackRow } from "./stored-rows.ts";

const predecessor = { id: "s1", machine: "qa", _state: "UP", previousState: null, tasks: [], metadata: {} };

function aRow(data: unknown, overrides: Partial<StackRow> = {}): StackRow {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return { id: "s1", data: text, foreign_write: true, version: 1, created: 1, updated: 2, ...overrides };
}

describe("the record of a stack", () => {
  it("is read back as it was written", () => {
    const stack = aStoredStack({
      metadata: { constructor: "a", ["__proto__"]: 1 },
      stalled: { code: "LOOP_LIMIT", reason: "…" },
    });

    expect(parseStackRow(aRow(toStackData(stack), { foreign_write: false }))).toEqual(stack);
  });

  it("has the names that the predecessor's readers know", () => {
    expect(JSON.parse(toStackData(aStoredStack({ state: "DOWN" })))).toMatchObject({
      id: "s1",
      machine: "web",
      _state: "DOWN",
      previousState: "INIT",
      tasks: [],
      metadata: {},
    });
  });

  it("of the predecessor has an incarnation of 0 and the times of its row", () => {
    const stack = parseStackRow(aRow(predecessor));

    expect(stack).toMatchObject({ state: "UP", incarnation: "0", entry: 0, createdAt: 1, updatedAt: 2, enteredAt: 2 });
  });

  it("keeps a message of the predecessor with failed tasks only", () => {
    const tasks = [
      { name: "a", status: "ERROR", errorMessage: "no" },
      { name: "b", status: "SATISFIED", errorMessage: "old" },
    ];

    expect(parseStackRow(aRow({ ...predecessor, tasks })).tasks).toEqual([
      { name: "a", status: "ERROR", errorMessage: "no" },
      { name: "b", status: "SATISFIED" },
    ]);
  });

  it("that the predecessor wrote over one of this version continues above its entries", () => {
    const data = { ...aStoredStack({ entry: 900 }), _state: "UP" };

    expect(parseStackRow(aRow(data, { version: 3 }))).toMatchObject({ entry: 20_000, incarnation: "0", runs: [] });
  });

  it.each([
    ["", "It is not JSON."],
    ["null", "must be object"],
    ["[]", "must be object"],
    [{ ...predecessor, _state: 5 }, "/_state"],
    [{ ...predecessor, tasks: [{ name: "a", status: "DONE" }] }, "/tasks/0/status"],
    [{ ...predecessor, metadata: { a: {} } }, "/metadata"],
    [{ ...predecessor, id: "s2" }, '"s2"'],
  ])("that is %j cannot be read, and says why", (data, reason) => {
    expect(readStackRow(aRow(data))).toEqual({ kind: "unreadable", reason: expect.stringContaining(reason) });
    expect(() => parseStackRow(aRow(data))).toThrow(expect.objectContaining({ code: "STORE_CORRUPT" }));
  });

  it.each([
    [{ runs: "none" }, '"runs" is not a list of objects.'],
    [{ runs: [null] }, '"runs" is not a list of objects.'],
    [{ automatic: {} }, '"automatic" is not a list of numbers.'],
    [{ automatic: ["7"] }, '"automatic" is not a list of numbers.'],
    [{ tasks: 7 }, '"tasks" is not of type array.'],
  ])("of this version with %j cannot be read, and says why: nothing of it is taken for empty", (damage, reason) => {
    const data = { ...JSON.parse(toStackData(aStoredStack())), ...damage };

    expect(readStackRow(aRow(data, { foreign_write: false }))).toEqual({ kind: "unreadable", reason });
  });
});
