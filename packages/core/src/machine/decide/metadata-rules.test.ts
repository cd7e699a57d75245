import { describe, expect, it } from "vitest";
import { someRules } from "../../testing/builders.ts";
import type { MetadataRule } from "../machine.ts";
import type { Metadata, MetadataValue } from "../stack.ts";
import { findMetadataFault, findMissingFault, listDefaults } from "./metadata.ts";
import { createMetadataPattern } from "./metadata-pattern.ts";

function faultOf(rule: Partial<MetadataRule>, value: MetadataValue, present?: MetadataValue): string | undefined {
  const before = present === undefined ? {} : { key: present };
  return findMetadataFault(someRules({ key: rule }), { next: { key: value }, keys: ["key"], present: before })?.reason;
}

describe("a metadata rule", () => {
  it.each<[string, Partial<MetadataRule>, MetadataValue]>([
    ["a text where text is asked for", { type: "string" }, ""],
    ["a number where one is asked for", { type: "number" }, 0],
    ["a boolean where one is asked for", { type: "boolean" }, false],
    [
      "null, whatever else is asked for",
      { type: "number", minimum: 1, pattern: createMetadataPattern("^a"), enum: [2] },
      null,
    ],
    ["a match anywhere in the text", { pattern: createMetadataPattern("b") }, "abc"],
    ["what is listed", { enum: ["a", 1, true] }, 1],
    ["the ends of a range", { minimum: 1, maximum: 1 }, 1],
  ])("allows %s", (_what, rule, value) => {
    expect(faultOf(rule, value)).toBeUndefined();
  });

  it.each<[Partial<MetadataRule>, MetadataValue, string]>([
    [{ type: "string" }, 1, "must be a string, not a number"],
    [{ type: "number" }, "1", "must be a number, not a string"],
    [{ type: "boolean" }, "true", "must be a boolean, not a string"],
    [{ pattern: createMetadataPattern("^a$") }, "b", "does not match the pattern ^a$"],
    [{ pattern: createMetadataPattern("1") }, 1, "does not match the pattern 1"],
    [{ enum: ["a", 1] }, "1", 'must be one of "a", 1'],
    [{ minimum: 2 }, 1, "must be a number of at least 2"],
    [{ maximum: 2 }, 3, "must be a number of at most 2"],
    [{ maximum: 2 }, "1", "must be a number of at most 2"],
    [{ required: true }, null, "is required and may not be null"],
  ])("%j refuses %j", (rule, value, reason) => {
    expect(faultOf(rule, value)).toBe(`The metadata key "key" ${reason}.`);
  });

  it("refuses a text that is too long to be searched for the pattern", () => {
    const pattern = createMetadataPattern("^(a|b){400}$");

    expect(faultOf({ pattern }, "a".repeat(60_000))).toBe(
      'The metadata key "key" is too long to be searched for the pattern ^(a|b){400}$.',
    );
  });

  it("is refused with a code of its own where its pattern cannot be searched in linear time", () => {
    const rules = someRules({ key: { pattern: createMetadataPattern("^(?=a)a") }, other: {} });
    const find = (next: Metadata) => findMetadataFault(rules, { next, keys: Object.keys(next), present: {} });

    expect(find({ key: "a" })).toEqual({
      code: "PATTERN_NOT_LINEAR",
      reason:
        'The pattern of the metadata key "key" uses the look-ahead "(?=", which cannot be searched in linear time. Correct the machine and upgrade the stack.',
    });
    expect([find({ key: null }), find({ other: "a" })]).toEqual([undefined, undefined]);
  });

  it("keeps an immutable value, but lets it be set once and said again", () => {
    const reason = 'The metadata key "key" is immutable and has a value already.';

    expect([faultOf({ immutable: true }, "a"), faultOf({ immutable: true }, "a", null)]).toEqual([
      undefined,
      undefined,
    ]);
    expect(faultOf({ immutable: true }, "a", "a")).toBeUndefined();
    expect([faultOf({ immutable: true }, "b", "a"), faultOf({ immutable: true }, null, "a")]).toEqual([reason, reason]);
  });

  it("takes no key for set because every object has something of its name", () => {
    const rules = someRules({ constructor: { immutable: true } });

    expect(
      findMetadataFault(rules, { next: { constructor: "a" }, keys: ["constructor"], present: {} }),
    ).toBeUndefined();
  });

  it("tells no more than a dozen of the allowed values, and none of a sensitive key", () => {
    const many = Array.from({ length: 20 }, (_, index) => index);

    expect(faultOf({ enum: many }, 99)).toMatch(/ 11, …\.$/);
    expect(faultOf({ enum: ["hunter22"], sensitive: true }, "x")).toBe(
      'The metadata key "key" is none of the values that are allowed.',
    );
  });
});

describe("metadata rules", () => {
  it("allow other keys unless the machine says that there are none", () => {
    const change = { next: { other: 1 }, keys: ["other"], present: {} };

    expect(findMetadataFault(someRules({}), change)).toBeUndefined();
    expect(findMetadataFault(someRules({}, false), change)?.reason).toBe(
      'The metadata key "other" is not declared, and the machine allows no others.',
    );
  });

  it("look at the keys that are set only", () => {
    const rules = someRules({ size: { type: "number" } });

    expect(findMetadataFault(rules, { next: { size: "odd" }, keys: [], present: { size: "odd" } })).toBeUndefined();
  });

  it("give defaults, null among them, and find required keys without a value", () => {
    const rules = someRules({ a: { default: 0 }, b: { default: null }, c: { required: true } });

    expect(listDefaults(rules)).toEqual({ a: 0, b: null });
    expect([{}, { c: null }, { c: false }].map((metadata) => findMissingFault(rules, metadata))).toEqual([
      'The metadata key "c" is required.',
      'The metadata key "c" is required.',
      undefined,
    ]);
  });

  it("resolve no built-in", () => {
    const rules = someRules({ constructor: { required: true } });

    expect(findMissingFault(rules, {})).toBe('The metadata key "constructor" is required.');
  });
});
