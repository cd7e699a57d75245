import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTick, toDueItem, toTick } from "./tick.ts";

const items = [
  { kind: "timer", stackId: "pr-1", dueAt: 1 },
  { kind: "parked", stackId: "", dueAt: 1 },
  { kind: "deadline", stackId: "pr-1", attemptId: "a1", task: "db", why: "cancel", dueAt: 1 },
] as const;

describe("a tick", () => {
  it.each(items)("brings due work of the engine over a queue as it was: $kind", (item) => {
    const tick = parseTick(JSON.stringify(toTick(item)));

    expect(tick && toDueItem(tick)).toEqual(item);
  });

  it("has room for the longest names that the store gives", () => {
    const text = (maxLength: number) => fc.string({ minLength: 1, maxLength, unit: "binary" });
    const deadline = fc.record({
      kind: fc.constant("deadline" as const),
      stackId: fc.string({ maxLength: 255 }),
      attemptId: fc.oneof(text(8_192), fc.constant("a".repeat(8_192))),
      task: fc.oneof(text(1_024), fc.constant("t".repeat(8_192))),
      why: fc.constantFrom("deadline" as const, "cancel" as const),
      dueAt: fc.nat(),
    });
    const reread = (item: Parameters<typeof toTick>[0]) => {
      const tick = parseTick(JSON.stringify(toTick(item)));
      return tick && toDueItem(tick);
    };

    fc.assert(
      fc.property(deadline, (item) => {
        expect(reread(item)).toEqual(item);
      }),
    );
  });

  it("names the attempt of a poll, whose message the store has", () => {
    const message = { task: {}, stack: {}, dispatch: {} } as never;
    const tick = toTick({ kind: "poll", receipt: "r", attemptId: "a1", message, dueAt: 5 });

    expect(tick).toEqual({ tick: "poll", attemptId: "a1", dueAt: 5 });
    expect(tick && toDueItem(tick)).toBeUndefined();
  });

  it("is not made of what goes by the outbox", () => {
    const event = { id: "e1", stackId: "s", origin: "external", message: {}, receivedAt: 1 } as const;

    expect(toTick({ kind: "event", receipt: "r", event, deliveries: 1 })).toBeUndefined();
  });

  it.each([
    "",
    "no JSON",
    "null",
    '{"stackId":"pr-1","event":"OPENED"}',
    '{"tick":"timer","dueAt":1}',
    '{"tick":"timer","stackId":"s","dueAt":-1}',
    '{"tick":"deadline","stackId":"s","attemptId":"","task":"t","why":"deadline","dueAt":1}',
    `{"tick":"timer","stackId":"${"x".repeat(256)}","dueAt":1}`,
  ])("rejects another form: %s", (body) => {
    expect(parseTick(body)).toBeUndefined();
  });

  it("is never made of any other text", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (body) => parseTick(body) === undefined));
  });
});
