import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byteSizeOf, type OutgoingMessage } from "./outgoing-message.ts";
import { toWaves } from "./to-waves.ts";

function aMessage(body: string, groupId = "g", attributes: OutgoingMessage["attributes"] = {}): OutgoingMessage {
  return { body, attributes, groupId, deduplicationId: body };
}

const bodies = (waves: readonly (readonly OutgoingMessage[])[]) => waves.map((wave) => wave.map(({ body }) => body));

describe("byteSizeOf", () => {
  it("counts bytes of the body, and names, types and values of attributes", () => {
    expect(byteSizeOf(aMessage("ü", "g", { ab: "漢" }))).toBe(2 + 2 + "String".length + 3);
  });
});

describe("toWaves", () => {
  it("puts at most ten messages into a batch", () => {
    const messages = Array.from({ length: 23 }, (_, index) => aMessage(String(index)));

    expect(toWaves(messages, { maxBytes: 1_000, ordered: false }).map((wave) => wave.length)).toEqual([10, 10, 3]);
  });

  it("puts no more bytes into a batch than the medium takes", () => {
    const messages = ["aaaa", "bbbb", "ccc", "ddddddd"].map((body) => aMessage(body));

    expect(bodies(toWaves(messages, { maxBytes: 10, ordered: false }))).toEqual([
      ["aaaa", "bbbb"],
      ["ccc", "ddddddd"],
    ]);
  });

  it("gives a message that is too large a batch of its own, for the medium to refuse", () => {
    expect(bodies(toWaves([aMessage("aaaa")], { maxBytes: 3, ordered: false }))).toEqual([["aaaa"]]);
  });

  it("has one message of a group in a batch where order counts, and the others after it", () => {
    const messages = [
      aMessage("a1", "a"),
      aMessage("a2", "a"),
      aMessage("b1", "b"),
      aMessage("a3", "a"),
      aMessage("b2", "b"),
    ];

    expect(bodies(toWaves(messages, { maxBytes: 100, ordered: true }))).toEqual([["a1", "b1"], ["a2", "b2"], ["a3"]]);
  });

  it("keeps the order of every group, loses nothing and holds the limits", () => {
    const arbitrary = fc.array(
      fc.record({ group: fc.constantFrom("a", "b", "c"), size: fc.integer({ min: 1, max: 40 }) }),
    );
    fc.assert(
      fc.property(arbitrary, (drawn) => {
        const messages = drawn.map(({ group, size }, index) => aMessage(`${index}:`.padEnd(size, "x"), group));
        const waves = toWaves(messages, { maxBytes: 64, ordered: true });
        for (const group of ["a", "b", "c"]) {
          const of = (list: readonly OutgoingMessage[]) => list.filter(({ groupId }) => groupId === group);
          expect(waves.flatMap(of)).toEqual(of(messages));
          expect(waves.every((wave) => of(wave).length <= 1)).toBe(true);
        }
        expect(waves.every((wave) => wave.length <= 10)).toBe(true);
      }),
    );
  });
});
