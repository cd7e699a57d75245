import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY } from "./aggregate.ts";
import { parseStackItem, toStackItem } from "./stack-item.ts";
import { aLine, aStack, T0 } from "./testing/store-work.ts";

const aggregate = { ...EMPTY, version: 5, stackVersion: 4 };

describe("toStackItem", () => {
  it("gives the predecessor's names the values that they always had", () => {
    const tasks = [{ name: "db", status: "ERROR" as const, errorMessage: "no" }];
    const item = toStackItem(aggregate, aStack({ tasks, metadata: { a: 1, b: null } }));

    expect(item).toMatchObject({
      id: { S: "s1" },
      machine: { S: "web" },
      _state: { S: "UP" },
      previousState: { S: "INIT" },
      tasks: { L: [{ M: { name: { S: "db" }, status: { S: "ERROR" }, errorMessage: { S: "no" } } }] },
      metadata: { M: { a: { N: "1" }, b: { NULL: true } } },
      createdAt: { N: String(T0) },
      updatedAt: { N: String(T0) },
      version: { N: "5" },
    });
  });

  it("stands in the index only while something is due", () => {
    const stack = aStack({ timers: [{ id: "t", event: "TICK", dueAt: T0 + 5 }] });

    expect(toStackItem(aggregate, aStack())).not.toHaveProperty("nextDueAt");
    expect(toStackItem({ ...aggregate, stack }, stack)).toMatchObject({ nextDueAt: { N: String(T0 + 5) } });
    expect(Number(toStackItem({ ...aggregate, stack }, stack)["dueShard"]?.N)).toBeLessThan(16);
  });
});

describe("parseStackItem", () => {
  it("gives back what was written", () => {
    const entry = { version: 5, home: "live" as const, now: T0, history: [aLine("e1")], dispatches: [], cancels: [] };
    const rest = { closes: [], acknowledges: [], park: [], unpark: [], setAside: [] };
    const whole = {
      ...aggregate,
      floor: 5,
      stack: aStack({ secretVersions: { a: 1 }, overdue: true }),
      ids: [["e1", T0] as const],
      idCount: 7,
      idsMoved: true,
      parked: [{ id: "p1", nextTryAt: T0, version: 3 }],
      outbox: [{ ...entry, ...rest }],
      timerHidden: { at: T0, until: T0 + 1 },
      isFresh: true,
      shadowVersion: 2,
    };

    expect(parseStackItem(toStackItem(whole, whole.stack))).toEqual({ kind: "ours", aggregate: whole });
  });

  it("gives any metadata back, names in their order", () => {
    const value = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
    );
    const name = fc.string({ unit: "binary" }).filter((text) => text !== "__proto__");

    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.option(value))), (entries) => {
        const metadata = Object.fromEntries(entries);
        const { aggregate: parsed } = parseStackItem(toStackItem(aggregate, aStack({ metadata })));

        expect(Object.entries(parsed.stack?.metadata ?? {})).toEqual(
          Object.entries(JSON.parse(JSON.stringify(metadata))),
        );
      }),
    );
  });

  it("says what of a foreign item cannot be read", () => {
    const item = { id: { S: "s1" }, machine: { S: "web" }, _state: { S: "UP" }, metadata: { M: { a: { L: [] } } } };

    expect(() => parseStackItem(item)).toThrow(/"s1" cannot be read: .*metadata\/a/);
  });
});
