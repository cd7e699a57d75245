import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aMachineV2, anEvent, anExpression, play, readKey, someRules, toApplied } from "../../testing/builders.ts";
import { defined } from "../json.ts";
import type { Machine, MetadataRule } from "../machine.ts";
import type { Metadata, MetadataValue } from "../stack.ts";
import { decide } from "./decide.ts";
import { mergeMetadata } from "./metadata.ts";
import { findMetadataFault, findMissingFault, listDefaults } from "./metadata-faults.ts";
import { createMetadataPattern } from "./metadata-pattern.ts";

const notFlat = (reason: string) => ({ kind: "rejected", code: "METADATA_NOT_FLAT", reason });
const merged = (metadata: unknown) => ({ kind: "merged", metadata });

describe("mergeMetadata", () => {
  it("lays given keys over the present ones and keeps their types", () => {
    const present = { a: 1, b: "x", gone: "y" };

    const result = mergeMetadata(present, { a: 0, c: false, d: "", gone: null });

    expect(result).toEqual(merged({ a: 0, b: "x", c: false, d: "", gone: null }));
    expect(present).toEqual({ a: 1, b: "x", gone: "y" });
  });

  it("keeps 0 for -0, as JSON does", () => {
    expect(mergeMetadata({}, { a: -0 })).toEqual(merged({ a: 0 }));
  });

  it.each([undefined, {}])("returns the present metadata itself for %j", (brought) => {
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
    const reason = `The metadata key "a" contains ${what}; values are strings, numbers, booleans or null.`;

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

const machine = aMachineV2(
  {
    INIT: { on: { OPENED: ["BUILD"] } },
    BUILD: { tasks: ["db"], on: { PUSHED: ["BUILD"], NEXT: [] } },
  },
  {
    metadata: someRules({
      size: { type: "number", default: 3, minimum: 1 },
      owner: { type: "string", required: true, immutable: true },
      password: { type: "string", sensitive: true },
      plan: { readOnly: true },
    }),
    requiredMetadata: new Map([["PUSHED", ["image", "size"]]]),
  },
);
const opened = anEvent("OPENED", { metadata: { owner: "ann" } });
const create = (metadata?: unknown, on: Machine = machine) =>
  decide(on, undefined, anEvent("OPENED", { machine: "review-app", metadata }));
const refused = (code: string, reason: string) => ({ kind: "rejected", code, reason });

describe("a stack that begins", () => {
  it("gets defaults for keys that its first event does not bring, null counting as brought", () => {
    const bring = (metadata: object) => toApplied(create({ owner: "ann", ...metadata })).stack.metadata;

    expect([bring({}), bring({ size: 5 }), bring({ size: null })]).toEqual([
      { size: 3, owner: "ann" },
      { size: 5, owner: "ann" },
      { size: null, owner: "ann" },
    ]);
  });

  it("has them before the first condition is evaluated", () => {
    const picky = aMachineV2(
      { INIT: { on: { OPENED: [{ when: anExpression((scope) => readKey(scope, "size") === 3), to: "A" }] } }, A: {} },
      { metadata: machine.metadata },
    );

    expect(toApplied(create({ owner: "ann" }, picky)).stack.state).toBe("A");
  });

  it("shows conditions its first event as it came, without them", () => {
    const seen: unknown[] = [];
    const look = anExpression(({ event }) => {
      seen.push(event?.metadata);
      return true;
    });
    const watched = aMachineV2(
      { INIT: { on: { OPENED: [{ when: look, to: "A" }] } }, A: {} },
      { metadata: machine.metadata },
    );

    create({ owner: "ann" }, watched);

    expect(seen).toEqual([{ owner: "ann" }]);
  });

  it("is refused without its required keys, whatever event begins it", () => {
    const reason = 'The metadata key "owner" is required.';
    const retry = anEvent("RETRY_PENDING_TASKS", { machine: "review-app" });

    expect(create()).toEqual(refused("METADATA_INVALID", reason));
    expect(decide(machine, undefined, retry)).toEqual(refused("METADATA_INVALID", reason));
    expect(decide(machine, undefined, { ...retry, name: "TASK_COMPLETED", origin: "worker" })).toEqual(
      refused("METADATA_INVALID", reason),
    );
  });
});

describe("what an event brings", () => {
  const stack = play(machine, opened);
  const push = (metadata: unknown, name = "PUSHED") => decide(machine, stack, anEvent(name, { metadata }));

  it("must have the keys that the event requires, also those that the stack has", () => {
    const both = '"PUSHED" must contain "image" and "size" in its metadata.';

    expect([push(undefined), push("text"), push({ image: null })].map((decision) => decision)).toEqual(
      Array(3).fill(refused("EVENT_METADATA_REQUIRED", both)),
    );
    expect(push({ image: "a" })).toMatchObject({ reason: '"PUSHED" must contain "size" in its metadata.' });
    expect(push({ image: "a", size: 1 }).kind).toBe("applied");
  });

  it("is checked in this order: name, required keys, flatness, rules, reaction", () => {
    const codesOf = (...cases: readonly [string, unknown][]) =>
      cases.map(([name, metadata]) => {
        const decision = push(metadata, name);
        return decision.kind === "rejected" ? decision.code : decision.kind;
      });

    expect(
      codesOf(
        ["OTHER", { image: [] }],
        ["PUSHED", { image: [] }],
        ["PUSHED", { image: [], size: "x" }],
        ["PUSHED", { image: "a", size: 0 }],
        ["OPENED", { size: 0 }],
        ["OPENED", {}],
      ),
    ).toEqual([
      "EVENT_UNDECLARED",
      "EVENT_METADATA_REQUIRED",
      "METADATA_NOT_FLAT",
      "METADATA_INVALID",
      "METADATA_INVALID",
      "EVENT_NOT_HANDLED",
    ]);
  });

  it("is refused as a whole for one bad key", () => {
    expect(push({ image: "a", size: "big" })).toEqual(
      refused("METADATA_INVALID", 'The metadata key "size" must be a number, not a string.'),
    );
  });

  it("may not change what is immutable, in operators' events either, and a result that does fails its task", () => {
    const reason = 'The metadata key "owner" is immutable and has a value already.';
    const bring = (name: string) =>
      decide(machine, stack, anEvent(name, { task: { name: "db" }, metadata: { owner: "bob" } }));

    expect(bring("RETRY_FAILED_TASKS")).toEqual(refused("METADATA_INVALID", reason));
    const { tasks, metadata } = toApplied(bring("TASK_COMPLETED")).stack;
    expect(tasks).toMatchObject([{ name: "db", status: "ERROR", errorMessage: reason, errorCode: "OUTPUT_INVALID" }]);
    expect(metadata).toEqual(stack.metadata);
  });

  it("never brings what is read-only, by whatever event, also a new stack's first one", () => {
    const reason =
      'The metadata key "plan" is read-only: outputs of tasks and "set" write it, and no event brings it. Leave it out.';
    const bring = (name: string) =>
      decide(machine, stack, anEvent(name, { task: { name: "db" }, metadata: { image: "a", size: 1, plan: "other" } }));

    const names = ["PUSHED", "RETRY_FAILED_TASKS"];
    expect([create({ owner: "ann", plan: "p" }), ...names.map(bring)]).toEqual(
      Array(3).fill(refused("METADATA_INVALID", reason)),
    );
    expect(toApplied(bring("TASK_COMPLETED")).stack.metadata).toEqual(stack.metadata);
  });

  it.each(["worker", "external"] as const)("fails the task of a result with refused metadata, origin %s", (origin) => {
    const event = anEvent("TASK_COMPLETED", { task: { name: "db" }, origin, metadata: { size: 0 } });

    const { tasks, metadata } = toApplied(decide(machine, stack, event)).stack;

    expect(tasks).toEqual([
      {
        name: "db",
        status: "ERROR",
        errorMessage: 'The metadata key "size" must be a number of at least 1.',
        errorCode: "OUTPUT_INVALID",
      },
    ]);
    expect(metadata).toEqual(stack.metadata);
  });

  it("shows no value of a sensitive key", () => {
    expect(push({ image: "a", size: 1, password: 12345 })).toMatchObject({
      reason: 'The metadata key "password" must be a string, not a number.',
    });
  });
});

describe("names that are the engine's", () => {
  const stack = play(machine, opened);

  it.each(["NEXT", "FAILED", "TIMEOUT"])("%s is refused from outside", (name) => {
    expect(decide(machine, stack, anEvent(name))).toEqual(
      refused("EVENT_RESERVED", `"${name}" is sent by the engine only.`),
    );
  });
});

function faultOf(rule: Partial<MetadataRule>, value: MetadataValue, present?: MetadataValue): string | undefined {
  const before = defined({ key: present });
  return findMetadataFault(someRules({ key: rule }), { next: { key: value }, keys: ["key"], present: before })?.reason;
}

describe("a metadata rule", () => {
  it.each<[string, Partial<MetadataRule>, MetadataValue]>([
    ["a text where a text is required", { type: "string" }, ""],
    ["a number where a number is required", { type: "number" }, 0],
    ["a boolean where a boolean is required", { type: "boolean" }, false],
    [
      "null, whatever type is required",
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

  it("lists at most a dozen of the allowed values, and none of a sensitive key", () => {
    const many = Array.from({ length: 20 }, (_, index) => index);

    expect(faultOf({ enum: many }, 99)).toMatch(/ 11, …\.$/);
    expect(faultOf({ enum: ["hunter22"], sensitive: true }, "x")).toBe(
      'The metadata key "key" is not an allowed value.',
    );
  });
});

describe("metadata rules", () => {
  it("allow other keys unless the machine forbids them", () => {
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

function search(source: string, text: string): string {
  const pattern = createMetadataPattern(source);
  return pattern.kind === "linear" ? pattern.search(text) : `refused: ${pattern.construct}`;
}

const toFound = (found: boolean) => (found ? "found" : "not-found");

describe("createMetadataPattern", () => {
  it.each([
    ["^[a-z0-9./-]+:[a-zA-Z0-9._-]+$", "shop/web:1.2", true],
    ["^[a-z0-9./-]+:[a-zA-Z0-9._-]+$", "shop/web:1.2\n", false],
    ["b", "abc", true],
    ["^b", "abc", false],
    ["^.$", "😀", true],
    ["^\\p{L}+$", "Äé", true],
    ["^\\p{Script=Greek}+$", "αβ", true],
    ["^[\\p{gc=Lu}_]+$", "A_", true],
    ["^\\u{1F600}+$", "😀😀", true],
    ["^\\uD83D\\uDE00$", "😀", true],
    ["^[\\u{1F600}-\\u{1F602}\\uD83D\\uDE05]+$", "😁😅", true],
    ["^\\cJ\\x41\\0$", "\nA\0", true],
    ["^[\\b\\-&&^-]+$", "\b-&^", true],
    ["^(?<name>a)+$", "aa", true],
    ["^a{1000}$", "a".repeat(1000), true],
    ["^.{1,1000}$", "a".repeat(1000), true],
    ["^a.*b$", "a\rb", false],
    ["^[.]+$", "..", true],
    ["^\\S+$", "a\u00a0b", false],
    ["^[^\\s]+$", "a\u2003b", false],
    ["^[\\S]+$", "ab", true],
    ["^[^\\S]+$", " \u2003", true],
    ["^[[:alpha:][b]+$", ":b", true],
    ["^[[:alpha:][b]+$", "zb", false],
    ["^[^]+$", "a\nb", true],
    ["^a*[]$", "a]", false],
    ["^\\[.+\\]$", "[\u2028]", false],
    ["^release-2024-12-31-[a-z]+$", "release-2024-12-31-a", true],
  ])("searches %s in %j: %s", (source, text, found) => {
    expect(search(source, text)).toBe(toFound(found));
  });

  it("finds what JavaScript finds", () => {
    const atom = fc.constantFrom(
      ..."a b [ab] [^a] . (?:a|b) \\d \\w (ab) (?<n>b) \\s \\S [\\sa] [^\\s] [\\S1] [^\\S_] [.] [[:b] \\. \\[ \\] [\\]a] [^] [] \\W \\D \\b \\B \\x61 \\u0062 [\\u0061-b] [a-] [-b] [0-9-a] [\\b] \\p{L} [\\P{L}] \\cJ | ()".split(
        " ",
      ),
    );
    const piece = fc
      .tuple(atom, fc.constantFrom("", "*", "+", "?", "{2}", "{1,3}", "{0}", "{2,}", "*?"))
      .map(([text, count]) => (["|", "\\b", "\\B"].includes(text) ? text : text + count));
    const named = (text: string) => text.split("(?<n>").length > 2;
    const source = fc
      .tuple(fc.constantFrom("", "^"), fc.array(piece, { maxLength: 4 }), fc.constantFrom("", "$"))
      .map(([start, pieces, end]) => start + pieces.join("") + end)
      .filter((text) => !named(text));

    fc.assert(
      fc.property(
        source,
        fc.string({ unit: fc.constantFrom(..."ab01_ .:[]-\n\r\v\b\u00a0\u0085\u2003\u2028\ufeffÄ"), maxLength: 12 }),
        (pattern, text) => {
          expect(search(pattern, text)).toBe(toFound(new RegExp(pattern, "u").test(text)));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  // A backtracking engine needs longer for each of them than the universe has.
  it.each([
    "^(a+)+$",
    "^release-2024-([a-z0-9]+)+$",
    "^([a-z]+)+[\\S]$",
    "^([a-z]+)+[^]*x$",
    "^(?:a|aa)+[^\\S]$",
    "^(a?){300}b$",
  ])("ends for %s", (source) => {
    expect(search(source, `release-2024-${"a".repeat(20_000)}!`)).toBe("not-found");
  });

  it("does not search a text that would take too many steps", () => {
    expect(search("^(?:[ab]*a){300}[ab]{600}x$", "ab".repeat(30_000))).toBe("too-long");
  });

  it.each([
    ["^(?=.*[0-9]).{3,}$", 'the look-ahead "(?="'],
    ["^(?!x)a$", 'the look-ahead "(?!"'],
    ["(?<=a)b", 'the look-behind "(?<="'],
    ["(?<!a)b", 'the look-behind "(?<!"'],
    ["^(a|b)\\1+$", 'the back-reference "\\1"'],
    ["^(?<x>a|b)\\k<x>$", 'the back-reference "\\k<x>"'],
    ["^(?i:a)$", 'the modifier "(?i:"'],
    ["^\\uD83D$", 'half a surrogate pair, "\\uD83D"'],
    ["^\\p{Changes_When_Lowercased}$", 'the property "\\p{Changes_When_Lowercased}"'],
    ["^a{1001}$", 'the oversized count "{1001}"'],
    ["^a{20241231,}$", 'the oversized count "{20241231,}"'],
    ["^((a{10}){10}){11}?$", 'the oversized count "{11}?"'],
    ["^[a-z]{900}(b{900})(c{900})$", 'the oversized count "{900}"'],
    ["^(?:abc{2}d){500}$", 'the oversized count "{500}"'],
  ])("refuses %s, naming what cannot be searched in linear time", (source, construct) => {
    expect(createMetadataPattern(source)).toEqual({ kind: "not-linear", source, construct });
  });

  it("takes or refuses any regular expression", () => {
    const piece = fc.constantFrom(
      ..."a b [ ] ( ) (? (?: (?= \\ \\1 \\u0061 \\p{L} { } {2} {3,} * + ? | ^ $ - . é 😀".split(" "),
    );
    const isValid = (source: string) => {
      try {
        return new RegExp(source, "u") !== undefined;
      } catch {
        return false;
      }
    };
    const source = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));

    fc.assert(
      fc.property(source, fc.string({ maxLength: 6 }), (pattern, text) => {
        if (!isValid(pattern)) expect(() => createMetadataPattern(pattern)).toThrow(SyntaxError);
        else expect(search(pattern, text)).toMatch(/^(?:found|not-found|refused: the .+)$/);
      }),
      { numRuns: 3_000 },
    );
  });

  it.each(["[a-", "(", "a{2,1}", "\\p{Nothing}"])("throws for %s", (source) => {
    expect(() => createMetadataPattern(source)).toThrow(SyntaxError);
  });

  it("keeps its source", () => {
    expect([createMetadataPattern("^a+$").source, createMetadataPattern("^a").source]).toEqual(["^a+$", "^a"]);
  });
});
