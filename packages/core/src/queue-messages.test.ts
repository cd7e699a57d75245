import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFifo, isGroupId, toBatches, toQueueText } from "./queue-messages.ts";

/** The first letter is the group, and each character a byte. */
const split = (entries: readonly string[], maxBytes: number, ordered: boolean) =>
  toBatches(entries, { maxBytes, ordered, bytesOf: (entry) => entry.length, groupOf: (entry) => entry.slice(0, 1) });

describe("toBatches", () => {
  it("puts at most ten entries into a batch", () => {
    const entries = Array.from({ length: 23 }, (_, index) => `g${index}`);

    expect(split(entries, 1_000, false).map((batch) => batch.length)).toEqual([10, 10, 3]);
  });

  it("puts no more bytes into a batch than fit", () => {
    expect(split(["aaaa", "bbbb", "ccc", "ddddddd"], 10, false)).toEqual([
      ["aaaa", "bbbb"],
      ["ccc", "ddddddd"],
    ]);
  });

  it("puts an entry that is too large into a batch of its own", () => {
    expect(split(["aaaa"], 3, false)).toEqual([["aaaa"]]);
  });

  it("has one entry of a group in a batch where order counts, and the others after it", () => {
    const entries = ["a1", "a2", "b1", "a3", "b2"];

    expect(split(entries, 100, true)).toEqual([["a1", "b1"], ["a2", "b2"], ["a3"]]);
    expect(split(entries, 100, false)).toEqual([entries]);
  });

  it("keeps the order of every group, loses nothing and keeps the limits", () => {
    const entry = fc.record({ group: fc.constantFrom("a", "b", "c"), size: fc.integer({ min: 1, max: 40 }) });
    fc.assert(
      fc.property(fc.array(entry), (drawn) => {
        const entries = drawn.map(({ group, size }, index) => `${group}${index}:`.padEnd(size, "x"));
        const batches = split(entries, 64, true);
        for (const group of ["a", "b", "c"]) {
          const of = (list: readonly string[]) => list.filter((each) => each.startsWith(group));
          expect(batches.flatMap(of)).toEqual(of(entries));
          expect(batches.every((batch) => of(batch).length <= 1)).toBe(true);
        }
        expect(batches.every((batch) => batch.length <= 10 && batch.join("").length <= 64)).toBe(true);
      }),
    );
  });
});

describe("isGroupId", () => {
  it.each(["pr-12", "a/b:c@d[~]", "x".repeat(128)])("accepts %j", (text) => {
    expect(isGroupId(text)).toBe(true);
  });

  it.each(["with a space", "größe", "x".repeat(129), ""])("does not accept %j", (text) => {
    expect(isGroupId(text)).toBe(false);
  });
});

describe("isFifo", () => {
  it("knows FIFO queues and topics by their names", () => {
    expect(isFifo("https://sqs.eu-west-1.amazonaws.com/1/stack-events.fifo")).toBe(true);
    expect(isFifo("https://sqs.eu-west-1.amazonaws.com/1/stack-events")).toBe(false);
  });
});

/** What SQS takes in a body. */
const ALLOWED = /^[ -\ud7ff\ue000-\ufffd]*$/;

describe("toQueueText", () => {
  it.each([["\u0000\u001f"], ["\ufffe\uffff"], ["🚀"], ["\ud800"], ["é漢\u007f"]])(
    "escapes what a queue refuses in %j",
    (text) => {
      const json = toQueueText({ text });

      expect(json).toMatch(ALLOWED);
      expect(JSON.parse(json)).toEqual({ text });
    },
  );

  it("leaves plain JSON unchanged", () => {
    expect(toQueueText({ a: [1, "ü", null] })).toBe('{"a":[1,"ü",null]}');
  });

  it("reads back as it was, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 20 }), (text) => {
        const json = toQueueText(text);
        return ALLOWED.test(json) && JSON.parse(json) === text;
      }),
    );
  });
});
