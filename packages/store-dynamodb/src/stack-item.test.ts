import { aQueuedEvent, aStoredStack } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { EMPTY } from "./aggregate.ts";
import { sizeOfItem } from "./keys.ts";
import { joinSpill, parseShadowItem, parseStackItem, toShadowItem, toStackItem } from "./stack-item.ts";
import { HOUR, T0 } from "./testing/store-work.ts";

const full = {
  ...EMPTY,
  version: 7,
  stackVersion: 6,
  idCount: 2,
  ids: [
    ["AAAAAAAAAAAAAAAA", T0],
    ["BBBBBBBBBBBBBBBB", T0 + 1],
  ] as const,
  idsMoved: true,
  parked: [{ id: "p1", nextTryAt: T0 + HOUR, name: "parked#p1#x", message: "message#x" }],
  events: [{ no: 3, id: "e1", dueAt: T0, visibleAt: 0, deliveries: 0, event: aQueuedEvent("e1") }],
};

describe("the item of a stack", () => {
  it("gives back what was written, with odd metadata in their order", () => {
    const metadata = { b: "x", a: 1e-200, "": 1, é: "\ud800", n: null };
    const stack = aStoredStack({ metadata, timers: [{ id: "t", event: "TICK", dueAt: T0 + HOUR }] });

    const { item } = toStackItem({ ...full, stack }, stack, {}, "s");
    const parsed = parseStackItem({ ...item, nonce: { S: "n1" } });

    expect(parsed).toMatchObject({ kind: "ours", nonce: "n1", aggregate: { ...full, stack } });
    expect(Object.entries(parsed.aggregate.stack?.metadata ?? {})).toEqual(Object.entries(metadata));
  });

  it("has the predecessor's names with the values that they always had", () => {
    const stack = aStoredStack({ tasks: [{ name: "db", status: "PENDING" }], metadata: { count: 3 } });

    const { item } = toStackItem({ ...full, stack }, stack, {}, "s");

    expect(item).toMatchObject({
      id: { S: "s1" },
      _state: { S: "UP" },
      tasks: { L: [{ M: { name: { S: "db" }, status: { S: "PENDING" } } }] },
      metadata: { M: { count: { N: "3" } } },
    });
  });

  it("stays where it is in the index while that is early enough", () => {
    const stack = aStoredStack({ timers: [{ id: "t", event: "TICK", dueAt: T0 + HOUR }] });
    const at = (dueAt: number | undefined) =>
      toStackItem({ ...EMPTY, stack }, stack, { dueAt }, "s").item["nextDueAt"]?.N;

    expect([at(undefined), at(T0), at(T0 + 2 * HOUR)]).toEqual([T0 + HOUR, T0, T0 + HOUR].map(String));
    expect(toStackItem(EMPTY, aStoredStack(), { dueAt: T0 }, "s").item["nextDueAt"]).toBeUndefined();
  });

  it("stays within the size limit of DynamoDB: the rest is stored in separate rows and joined again", () => {
    const noise = Array.from({ length: 300_000 }, (_, index) => (index * 7919 * index) % 999_999_937);
    const events = [
      {
        ...full.events[0],
        no: 3,
        id: "e1",
        dueAt: T0,
        visibleAt: 0,
        deliveries: 0,
        event: aQueuedEvent("e1", { message: { noise } }),
      },
    ];
    const stack = aStoredStack();
    const aggregate = { ...full, events, stack };

    const { item, spill } = toStackItem(aggregate, stack, {}, "name");
    const parsed = parseStackItem(item);

    expect(sizeOfItem(item)).toBeLessThan(400 * 1024);
    expect(parsed.spill).toEqual({ name: "name", parts: spill?.parts.length });
    expect(parsed.aggregate.stack).toEqual(stack);
    expect(joinSpill(parsed, spill?.parts ?? [])).toEqual(aggregate);
  });

  it("names the stack whose packed part is damaged", () => {
    const { item } = toStackItem(full, aStoredStack(), {}, "s");

    expect(() => parseStackItem({ ...item, stackyard: { B: new Uint8Array([1, 2]) } })).toThrow(
      /stack "s1" cannot be read/,
    );
  });
});

describe("the row of an absent stack", () => {
  it("gives back what was written, under any id", () => {
    const stackId = "\ud800 odd";

    const { item } = toShadowItem("none", stackId, full, "s");

    expect(parseShadowItem(item)).toMatchObject({ kind: "none", stackId, aggregate: full });
    expect([item["sweepKey"]?.S, item["sweepAt"]?.N]).toEqual(["shadow", "0"]);
  });

  it("is found by the age of its ids when nothing else is left", () => {
    const { item } = toShadowItem("none", "s1", { ...EMPTY, ids: full.ids, idCount: 2, version: 3 }, "s");

    expect([item["sweepKey"]?.S, item["sweepAt"]?.N]).toEqual(["tombstone", String(T0)]);
  });
});
