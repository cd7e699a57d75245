import { describe, expect, it } from "vitest";
import { mergeMetadata } from "./metadata.ts";

const notFlat = (reason: string) => ({ kind: "rejected", code: "METADATA_NOT_FLAT", reason });
const merged = (metadata: unknown) => ({ kind: "merged", metadata });

describe("mergeMetadata", () => {
  it("lays given keys over the present ones and keeps their types", () => {
    const present = { a: 1, b: "x", gone: "y" };

    const result = mergeMetadata(present, { a: 0, c: false, d: "", gone: null });

    expect(result).toEqual(merged({ a: 0, b: "x", c: false, d: "", gone: null }));
    expect(present).toEqual({ a: 1, b: "x", gone: "y" });
  });

  it.each([undefined, {}])("leaves the present metadata itself as it is for %j", (brought) => {
    const present = { a: 1 };

    const result = mergeMetadata(present, brought);

    expect(result.kind === "merged" && result.metadata).toBe(present);
  });

  it.each([
    [null, "null"],
    ["text", "a value of type string"],
    [7, "the number 7"],
    [true, "a value of type boolean"],
    [[1], "a list"],
  ])("refuses %j in place of a map", (brought, what) => {
    expect(mergeMetadata({}, brought)).toEqual(notFlat(`The metadata must be a flat map, not ${what}.`));
  });

  it.each([
    [{ b: 1 }, "a map"],
    [[], "a list"],
    [undefined, "a value of type undefined"],
    [Number.NaN, "the number NaN"],
    [Number.POSITIVE_INFINITY, "the number Infinity"],
  ])("refuses the value %j", (value, what) => {
    const reason = `The metadata key "a" holds ${what}; values are strings, numbers, booleans or null.`;

    expect(mergeMetadata({}, { fine: 1, a: value })).toEqual(notFlat(reason));
  });

  it("refuses a key that would reach the prototype", () => {
    const result = mergeMetadata({}, JSON.parse('{"__proto__":1}'));

    expect(result).toEqual(notFlat('The metadata key "__proto__" is not allowed.'));
  });

  it("takes keys that are named like built-ins", () => {
    expect(mergeMetadata({}, { constructor: "c" })).toEqual(merged({ constructor: "c" }));
  });

  // {"k":""} is 8 bytes of JSON.
  it.each([
    ["a", 65_528, 65_529],
    ["é", 32_764, 32_765],
    ["€", 21_842, 21_843],
    ["😀", 16_382, 16_383],
  ])("allows 65,536 bytes and no more, of %s", (character, fits, exceeds) => {
    const small = { k: character.repeat(fits) };

    expect(mergeMetadata({}, small)).toEqual(merged(small));
    expect(mergeMetadata({}, { k: character.repeat(exceeds) })).toEqual({
      kind: "rejected",
      code: "METADATA_TOO_LARGE",
      reason: "The stack's metadata would be larger than 65536 bytes.",
    });
  });

  it("measures what the stack would hold, not what the event brings", () => {
    const half = "a".repeat(40_000);

    expect(mergeMetadata({ old: half }, { new: half }).kind).toBe("rejected");
    expect(mergeMetadata({ old: half }, { old: half }).kind).toBe("merged");
  });
});
