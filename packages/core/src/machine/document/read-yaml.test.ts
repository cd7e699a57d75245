import { describe, expect, it } from "vitest";
import { MACHINE_LIMITS } from "./compile-context.ts";
import { createProblemList } from "./problem-list.ts";
import { readYaml } from "./read-yaml.ts";
import { toValue } from "./tree.ts";

function read(source: string, limits = {}) {
  const problems = createProblemList({ strict: false, maxProblems: 10 });
  const tree = readYaml(source, { ...MACHINE_LIMITS, ...limits }, problems);
  const faults = problems
    .toProblems()
    .map(({ code, path, line, column, message }) => ({ code, path, line, column, message }));
  return { tree, value: tree && toValue(tree), faults };
}

const readValue = (source: string) => read(source).value;

describe("readYaml", () => {
  it.each([
    ["an alias", "a: &a {x: 1}\nb: {<<: *a}", { x: 1 }],
    ["a list, of which the earlier wins", "a: &a {x: 1}\nc: &c {x: 2, y: 3}\nb: {<<: [*a, *c]}", { x: 1, y: 3 }],
    ["an inline map", "b: {<<: {x: 1}, y: 2}", { x: 1, y: 2 }],
    ["an inline map in a list", "a: &a {y: 1}\nb: {<<: [{x: 1}, *a]}", { x: 1, y: 1 }],
    ["a map that merges itself", "a: &a {x: 1}\nc: &c {<<: *a, y: 2}\nb: {<<: *c}", { x: 1, y: 2 }],
    [
      "several merge keys, of which the first wins",
      "a: &a {x: 1}\nc: &c {x: 2, y: 3}\nb:\n  <<: *a\n  <<: *c",
      { x: 1, y: 3 },
    ],
    ["under explicit keys after it", "a: &a {x: 1}\nb:\n  <<: *a\n  x: 2", { x: 2 }],
    ["under explicit keys before it", "a: &a {x: 1}\nb:\n  x: 2\n  <<: *a", { x: 2 }],
    ["one level deep", "a: &a {x: {p: 1}}\nb: {<<: *a, x: {q: 2}}", { x: { q: 2 } }],
    ["not from a quoted key", 'b: {"<<": {x: 1}}', { "<<": { x: 1 } }],
    ["nothing from an empty list", "b: {<<: [], x: 1}", { x: 1 }],
  ])("merges %s", (_, source, expected) => {
    const value = readValue(source);

    expect(value).toMatchObject({ b: expected });
  });

  // visulima#825, GHSA-mh29-5h37-fv8m, gsd-core#1533, node-config#906
  it.each([
    "base: &base\n  __proto__: {polluted: true}\nb:\n  <<: *base",
    "b: {<<: {__proto__: {polluted: true}}}",
    "b: {<<: [{constructor: {prototype: {polluted: true}}}, {__proto__: {polluted: true}}]}",
    "b: {__proto__: {polluted: true}}",
    "__proto__: {polluted: true}\nb: {}",
  ])("gives no map another prototype: %j", (source) => {
    const value: unknown = (() => {
      try {
        return readValue(source);
      } catch {
        return { b: {} };
      }
    })();

    const { b } = value as { b: { polluted?: boolean } };
    expect([b.polluted, Object.getPrototypeOf(b), Object.getPrototypeOf(value)]).toEqual([
      undefined,
      expect.toBeOneOf([Object.prototype, null]),
      expect.toBeOneOf([Object.prototype, null]),
    ]);
    expect({}).not.toHaveProperty("polluted");
  });

  it("keeps merged keys where the merge stands", () => {
    const value = readValue("a: &a {x: 1, y: 2}\nb: {w: 0, <<: *a, x: 3, z: 4}");

    expect(JSON.stringify(value)).toBe('{"a":{"x":1,"y":2},"b":{"w":0,"x":3,"y":2,"z":4}}');
  });

  it("resolves aliases of maps, lists, items and scalars, in flow collections and keys too", () => {
    const value = readValue("m: &m {x: 1}\nl: &l [1]\ns: &s text\nr: [*m, *l, *s, {k: *s}]\n*s : key");

    expect(value).toEqual({ m: { x: 1 }, l: [1], s: "text", r: [{ x: 1 }, [1], "text", { k: "text" }], text: "key" });
  });

  it("takes the anchor before the alias when a name is used twice", () => {
    const value = readValue("a: &n 1\nb: *n\nc: &n 2\nd: *n");

    expect(value).toEqual({ a: 1, b: 1, c: 2, d: 2 });
  });

  it("reads scalars as YAML 1.2 does, whatever the directive says", () => {
    const value = readValue(
      "%YAML 1.1\n---\n[on, yes, no, off, 010, 1_000, 2020-01-01, 0x1F, 1e0, ~, TRUE, '1', !!str 1]",
    );

    expect(value).toEqual(["on", "yes", "no", "off", 10, "1_000", "2020-01-01", 31, 1, null, true, "1", "1"]);
  });

  it("reads keys as their source text", () => {
    const value = readValue('123: a\n1.0: b\ntrue: c\n~: d\n"x": e\n? f\n: g\n');

    expect(value).toEqual({ "123": "a", "1.0": "b", true: "c", "~": "d", x: "e", f: "g" });
  });

  it("reads a byte order mark's text, CRLF, comments, block scalars and lists that are not indented", () => {
    const value = readValue("# c\r\n---\r\na: |\r\n  x\r\n  y\r\nb:\r\n- 1\r\nc: >-\r\n  p\r\n  q\r\n...\r\n");

    expect(value).toEqual({ a: "x\ny\n", b: [1], c: "p q" });
  });

  it("knows the place of every key, value and item, and of aliases", () => {
    const { tree } = read("a: &a\n  - 1\nb:\n  c: *a\nd:\n");

    const at = (line: number, column: number) => ({ line, column });
    const items = [{ kind: "scalar", at: at(2, 5), value: 1, plain: "1" }];
    const inner = new Map([["c", { keyAt: at(4, 3), value: { kind: "list", at: at(4, 6), items } }]]);
    expect(tree).toEqual({
      kind: "map",
      at: at(1, 1),
      entries: new Map([
        ["a", { keyAt: at(1, 1), value: { kind: "list", at: at(2, 3), items } }],
        ["b", { keyAt: at(3, 1), value: { kind: "map", at: at(4, 3), entries: inner } }],
        ["d", { keyAt: at(5, 1), value: { kind: "scalar", at: at(5, 1), value: null, plain: "" } }],
      ]),
    });
  });

  it("keeps the first of duplicate keys, and still knows the anchors of the others", () => {
    const { value, faults } = read("a: 1\na: &n 2\nb: *n\n'a': 3");

    expect(value).toEqual({ a: 1, b: 2 });
    expect(faults).toEqual([
      { code: "duplicate-mapping-key", path: "a", line: 2, column: 1, message: expect.stringContaining('"a"') },
      { code: "duplicate-mapping-key", path: "a", line: 4, column: 1, message: expect.stringContaining('"a"') },
    ]);
  });

  it.each([
    ["a tab that indents", "a:\n\tb: 1", 2, 1, "tab"],
    ["a second document", "a: 1\n---\nb: 2", 2, 1, "second document"],
    ["an open bracket", "a: [1", 1, 6, "]"],
    ["an unknown alias", "a: 1\nb: *x", 2, 4, "*x"],
    ["an alias before its anchor", "a: *x\nb: &x 1", 1, 4, "*x"],
    ["an alias inside its own value", "a: &x [*x]", 1, 8, "inside"],
    ["a merge of a text", "a: {<<: text}", 1, 9, "merged"],
    ["a merge of nothing", "a:\n  <<:\n", 2, 3, "merged"],
    ["a key that is a list", "[a, b]: 1", 1, 1, "key"],
    ["an unknown tag", "a: !secret 1", 1, 4, "!secret"],
    ["a document of two scalars", "a\nb: 1", 1, 1, ""],
  ])("refuses %s", (_, source, line, column, word) => {
    const { tree, faults } = read(source);

    expect(tree).toBeUndefined();
    expect(faults).toContainEqual(expect.objectContaining({ code: "yaml-syntax", line, column }));
    expect(faults.map(({ message }) => message).join()).toContain(word);
  });

  it.each([
    ["a: 1\n b: 2", "at one place"],
    ["a: &a {<<: *a}", "in a merge"],
    ["a:\n  <<: *nowhere", "of an unknown alias in a merge"],
  ])("reports a mistake once: %j, %s", (source) => {
    expect(read(source).faults).toHaveLength(1);
  });

  it("refuses what is nested deeper than the limit, before anything recurses", () => {
    const sources = ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(50_000), "? ".repeat(100_000)];

    const faults = sources.flatMap((source) => read(source).faults);

    expect(faults.map(({ code }) => code)).toEqual(sources.map(() => "limit-exceeded"));
  });

  it("refuses more anchors and aliases than a document needs, before they cost time", () => {
    const sources = [
      "&a ".repeat(60_000),
      `[${"*b,".repeat(60_000)}]`,
      `[${"&a x,".repeat(30_000)}]`,
      "- &a *a\n".repeat(9_999),
    ];

    const faults = sources.flatMap((source) => read(source).faults);

    expect(faults.map(({ code }) => code)).toEqual(sources.map(() => "limit-exceeded"));
  });

  it("does not take texts for anchors", () => {
    const block = `a: |\n${"  *b &c\n".repeat(5_000)}`;
    const quoted = `[${'"*b","&c",'.repeat(3_000)}]`;

    expect([read(block).faults, read(quoted).faults, read("a: 1 *2 &3").faults]).toEqual([[], [], []]);
  });

  it("accepts exactly the depth of the limit", () => {
    const nest = (depth: number) => `${"[".repeat(depth)}1${"]".repeat(depth)}`;

    const faults = [read(nest(5), { maxDepth: 5 }).faults, read(nest(6), { maxDepth: 5 }).faults];

    expect(faults.map((list) => list.length)).toEqual([0, 1]);
  });

  it("counts what aliases would expand to", () => {
    const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let i = 1; i < 60; i++)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(", ")}]`,
      );

    const { tree, faults } = read(lines.join("\n"));

    expect(tree).toBeUndefined();
    expect(faults.map(({ code }) => code)).toEqual(["limit-exceeded"]);
  });

  it("counts how deep aliases lead", () => {
    const lines = ["a0: &a0 x"];
    for (let i = 1; i < 30_000; i++) lines.push(`a${i}: &a${i} [*a${i - 1}]`);

    const chains = [lines.slice(0, 64), lines.slice(0, 65), lines.slice(0, 9_000)].map((chain) =>
      read(chain.join("\n")),
    );

    expect(chains.map(({ faults }) => faults.map(({ code }) => code))).toEqual([
      [],
      ["limit-exceeded"],
      ["limit-exceeded"],
    ]);
  });

  it("counts what merges would expand to", () => {
    const keys = Array.from({ length: 8_000 }, (_, index) => `k${index}: 1`).join(", ");

    const { faults } = read(`a: &a {${keys}}\nb: {${"<<: *a, ".repeat(15_000)}}`);

    expect(faults.map(({ code }) => code)).toEqual(["limit-exceeded"]);
  });

  it("makes own properties of dangerous keys", () => {
    const value = readValue("__proto__: {polluted: 1}\nconstructor: 2\nprototype: 3");

    expect(Object.entries(value ?? {})).toEqual([
      ["__proto__", { polluted: 1 }],
      ["constructor", 2],
      ["prototype", 3],
    ]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });
});
