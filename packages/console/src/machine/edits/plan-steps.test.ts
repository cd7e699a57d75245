import { describe, expect, it } from "vitest";
import { EditRefused, type Path, type Plain } from "./operation.ts";
import { planSteps } from "./plan-steps.ts";
import { readSource } from "./source.ts";
import type { Step } from "./step.ts";
import { applyToText } from "./testing/apply-to-text.ts";
import { describeRefusal } from "./testing/outcome.ts";

/** A step on a text, and the text after it, or why it is refused. */
type Case = readonly [what: string, before: string, step: Step, after: string];

function apply(text: string, step: Step): string {
  try {
    return applyToText(text, planSteps(readSource(text), [step]));
  } catch (error) {
    if (error instanceof EditRefused) return describeRefusal(text, error).join("\n");
    throw error;
  }
}

const rm = (...path: Path): Step => ({ kind: "remove", path });
const mv = (to: number, ...path: Path): Step => ({ kind: "move", path, to });
const ins = (key: string, value: Plain, ...path: Path): Step => ({ kind: "insert-entry", path, key, value });
const insAfter = (after: string, key: string, value: Plain, ...path: Path): Step => ({
  kind: "insert-entry",
  path,
  key,
  value,
  after,
});
const item = (index: number, value: Plain, ...path: Path): Step => ({ kind: "insert-item", path, index, value });
const set = (value: Plain, ...path: Path): Step => ({ kind: "set", path, value });
const rep = (value: Plain, ...path: Path): Step => ({ kind: "replace", path, value });
const ren = (to: string, ...path: Path): Step => ({ kind: "rename-key", path, to });
const block = (...path: Path): Step => ({ kind: "to-block", path });

describe("a step removes", () => {
  it.each<Case>([
    [
      "an entry with the comments directly above it, in its column",
      "a: 1\n\n# x\n# b\nb: 2 # two\nc: 3\n",
      rm("b"),
      "a: 1\n\nc: 3\n",
    ],
    ["not a comment in another column", "m:\n  a: 1\n # x\n  b: 2\n", rm("m", "b"), "m:\n  a: 1\n # x\n"],
    ["not a comment behind an empty line", "a: 1\n# x\n\nb: 2\nc: 3\n", rm("b"), "a: 1\n# x\n\nc: 3\n"],
    [
      "the first entry under a key with its comments",
      "m: # m\n  # a\n  a: 1\n  b: 2\n",
      rm("m", "a"),
      "m: # m\n  b: 2\n",
    ],
    ["not the comments at the head of a document", "# head\na: 1\nb: 2\n", rm("a"), "# head\nb: 2\n"],
    ["a last line without a line end", "a: 1\nb: 2", rm("b"), "a: 1\n"],
    ["an entry whose value is a block of lines", "a: |\n  x\n  y\nb: 2\n", rm("a"), "b: 2\n"],
    ["an item", "l:\n  - 1\n  # two\n  - 2\n  - { a: 1 }\n", rm("l", 1), "l:\n  - 1\n  - { a: 1 }\n"],
    ["the only entry", "m: # m\n  # a\n  a: 1 # x\nb: 2\n", rm("m", "a"), "m: {} # m\nb: 2\n"],
    ["the only entry, behind an anchor", "m: &m\n  a: 1\nb: *m\n", rm("m", "a"), "m: &m {}\nb: *m\n"],
    [
      "the first entry behind an anchor",
      "m: &m\n  # a\n  a: 1\n  b: 2\nn: *m\n",
      rm("m", "a"),
      "m: &m\n  b: 2\nn: *m\n",
    ],
    [
      "the first item of a list under a dash",
      "l:\n  -\n    # a\n    - 1\n    - 2\n",
      rm("l", 0, 0),
      "l:\n  -\n    # a\n    - 2\n",
    ],
    ["the only item", "l:\n- 1\nb: 2\n", rm("l", 0), "l: []\nb: 2\n"],
    ["the first entry of a flow map", "m: { a: 1, b: 2, c: 3 }\n", rm("m", "a"), "m: { b: 2, c: 3 }\n"],
    ["the last entry of a flow map", "m: { a: 1, b: 2 , c: 3 }\n", rm("m", "c"), "m: { a: 1, b: 2 }\n"],
    ["the only entry of a flow map", "m: { a: 1 }\n", rm("m", "a"), "m: {}\n"],
    ["the only item of a flow list", "l: [ 1 ]\n", rm("l", 0), "l: []\n"],
    ["an item with an anchor", "l: [1, &x 2, 3]\n", rm("l", 1), "l: [1, 3]\n"],
    ["an entry with an anchored key", "m: { a: 1, &k b: 2 }\n", rm("m", "b"), "m: { a: 1 }\n"],
    [
      "an entry between merge keys",
      "x: &x { z: 1 }\nm:\n  <<: *x\n  a: 1\n  <<: *x\n",
      rm("m", "a"),
      "x: &x { z: 1 }\nm:\n  <<: *x\n  <<: *x\n",
    ],
    ["the first entry on the line of its dash", "l:\n  - a: 1\n    b: 2\n", rm("l", 0, "a"), "l:\n  - b: 2\n"],
    [
      "but no entry on the line of its dash before a comment",
      "l:\n  - a: 1 # why\n    b: 2\n",
      rm("l", 0, "a"),
      'edit-flow at "a: 1": The entry is on the same line as its key.',
    ],
    [
      "but not the only entry of an item",
      "l:\n  - a: 1\n",
      rm("l", 0, "a"),
      'edit-differs at "a: 1": The last entry cannot be removed here.',
    ],
    [
      "but not the only entry of a document",
      "a: 1\n",
      rm("a"),
      'edit-differs at "a: 1": The last entry cannot be removed here.',
    ],
    ["but nothing that is not there", "m: { a: 1 }\n", rm("m", "b"), 'edit-missing at "": The document has no m.b.'],
    ["but nothing from a scalar", "m: 1\n", rm("m", "b"), 'edit-missing at "": The document has no m.b.'],
    ["but nothing from what is not there", "m: 1\n", rm("a", "b"), 'edit-missing at "": The document has no a.b.'],
    ["but no item that is not there", "l: [1]\n", rm("l", 1), 'edit-missing at "": The document has no l.1.'],
    [
      "but nothing from braces over several lines",
      "m: { a: 1,\n  b: 2 }\n",
      rm("m", "a"),
      'edit-flow at "{ a: 1,": This part is written in braces or brackets over several lines, where nothing is inserted or removed.\nConvert to block: convert-to-block m',
    ],
    [
      "but no anchor that is used elsewhere",
      "a: &x 1\nb: *x\n",
      rm("a"),
      'edit-shared at "*x": The value has the anchor &x, which is used elsewhere.',
    ],
    [
      "but no anchor inside that is used elsewhere",
      "a: [{ b: &x 1 }, *x]\nb: *x\nc: *x\n",
      rm("a"),
      'edit-shared at "*x": The value has the anchor &x, which is used elsewhere.',
    ],
    ["an anchor that is used only inside", "a: [&x 1, *x]\nb: &y 2\nc: *y\n", rm("a"), "b: &y 2\nc: *y\n"],
  ])("%s", (_what, before, step, after) => {
    expect(apply(before, step)).toBe(after);
  });
});

describe("a step moves", () => {
  it.each<Case>([
    [
      "an entry to the front with its comments",
      "# head\na: 1\n# b\nb: 2\nc: 3\n",
      mv(0, "b"),
      "# head\n# b\nb: 2\na: 1\nc: 3\n",
    ],
    ["an entry to the end", "a: 1\n# b\nb: 2\nc: 3 # c\n", mv(2, "b"), "a: 1\nc: 3 # c\n# b\nb: 2\n"],
    [
      "an entry over several others",
      "m:\n  a: 1\n  b:\n    - 1\n  c: 3\n  d: 4\n",
      mv(2, "m", "a"),
      "m:\n  b:\n    - 1\n  c: 3\n  a: 1\n  d: 4\n",
    ],
    ["an item", "l:\n  # 1\n  - 1\n  - 2\n  - 3\n", mv(1, "l", 2), "l:\n  # 1\n  - 1\n  - 3\n  - 2\n"],
    ["a last line without a line end", "a: 1\nb: 2", mv(0, "b"), "b: 2\na: 1\n"],
    ["behind a last line without a line end", "a: 1\r\nb: 2", mv(1, "a"), "b: 2\r\na: 1"],
    [
      "an entry of a flow map, with the spaces where they are",
      "m: {a: 1,  b: 2 ,c: 3}\n",
      mv(2, "m", "a"),
      "m: {b: 2,  c: 3 ,a: 1}\n",
    ],
    ["an item of a flow list", "l: [1, &x 2, 3]\n", mv(0, "l", 1), "l: [&x 2, 1, 3]\n"],
    [
      "an entry before a merge key",
      "x: &x { z: 1 }\nm:\n  a: 1\n  <<: *x\n  b: 2\n",
      mv(0, "m", "b"),
      "x: &x { z: 1 }\nm:\n  b: 2\n  a: 1\n  <<: *x\n",
    ],
    [
      "an entry behind a merge key",
      "x: &x { z: 1 }\nm:\n  a: 1\n  <<: *x\n  b: 2\n  c: 3\n",
      mv(1, "m", "a"),
      "x: &x { z: 1 }\nm:\n  <<: *x\n  b: 2\n  a: 1\n  c: 3\n",
    ],
    ["nothing to where it is", "m:\n  # a\n  a: 1\n  b: 2\n", mv(0, "m", "a"), "m:\n  # a\n  a: 1\n  b: 2\n"],
    [
      "but not an entry on the line of its dash",
      "l:\n  - a: 1\n    b: 2\n",
      mv(0, "l", 0, "b"),
      'edit-flow at "a: 1": The first entry is on the same line as its key.',
    ],
    [
      "the first entry under a key with its comments",
      "m:\n  # a\n  a: 1\n  # b\n  b: 2\n",
      mv(1, "m", "a"),
      "m:\n  # b\n  b: 2\n  # a\n  a: 1\n",
    ],
    [
      "an entry before the first under a key with its comments",
      "m:\n  # a\n  a: 1\n  # b\n  b: 2\n",
      mv(0, "m", "b"),
      "m:\n  # b\n  b: 2\n  # a\n  a: 1\n",
    ],
    [
      "but nothing in braces over several lines",
      "m: { a: 1,\n  b: 2 }\n",
      mv(1, "m", "a"),
      'edit-flow at "{ a: 1,": This part is written in braces or brackets over several lines, where nothing is inserted or removed.\nConvert to block: convert-to-block m',
    ],
    [
      "but no anchor behind its alias",
      "a: &x 1\nb: *x\nc: 3\n",
      mv(2, "a"),
      'edit-order at "": The alias *x refers to no complete anchor before it. Move the anchor first.',
    ],
  ])("%s", (_what, before, step, after) => {
    expect(apply(before, step)).toBe(after);
  });
});

describe("a step inserts", () => {
  it.each<Case>([
    [
      "an entry at the end",
      "m:\n  a: 1 # a\n  # end\nb: 2\n",
      ins("c", "x y", "m"),
      "m:\n  a: 1 # a\n  c: x y\n  # end\nb: 2\n",
    ],
    ["an entry at the end of a document without a line end", "a: 1\nb: 2", ins("c", true), "a: 1\nb: 2\nc: true"],
    [
      "an entry at the end of a document with other line ends",
      "a: 1\r\nb: 2\r\n",
      ins("c", null),
      "a: 1\r\nb: 2\r\nc: null\r\n",
    ],
    [
      "an entry behind another one",
      "m:\n    a:\n        - 1\n    b: 2\n",
      insAfter("a", "c", 3, "m"),
      "m:\n    a:\n        - 1\n    c: 3\n    b: 2\n",
    ],
    ["an entry behind a key that is not there: at the end", "a: 1\n", insAfter("x", "c", 3), "a: 1\nc: 3\n"],
    ["an entry behind a block of lines", "a: |\n  x\nb: 2\n", insAfter("a", "c", 3), "a: |\n  x\nc: 3\nb: 2\n"],
    [
      "an entry behind a merge key",
      "x: &x { z: 1 }\nm:\n  a: 1\n  <<: *x\n",
      ins("c", 3, "m"),
      "x: &x { z: 1 }\nm:\n  a: 1\n  <<: *x\n  c: 3\n",
    ],
    ["an entry in braces", "m: { a: 1 }\n", ins("c", 3, "m"), "m: { a: 1, c: 3 }\n"],
    [
      "an entry in braces behind another one",
      "m: {a: 1, b: 2}\n",
      insAfter("a", "c", { d: [1, 2] }, "m"),
      "m: {a: 1, c: {d: [1, 2]}, b: 2}\n",
    ],
    [
      "a map, indented as the others are",
      "m:\n    a: 1\n",
      ins("tasks", { d: 1, e: { f: 2, g: { h: 3 } } }),
      "m:\n    a: 1\ntasks:\n    d: 1\n    e:\n        f: 2\n        g: { h: 3 }\n",
    ],
    [
      "a list, indented as the others are",
      "l:\n- 1\n",
      ins("m", [[1], { a: { b: 1 } }]),
      "l:\n- 1\nm:\n- [1]\n- { a: { b: 1 } }\n",
    ],
    [
      "a list with maps in lines, as others are",
      "l:\n  - a: 1\n    b: 2\n",
      ins("m", [{ a: { b: { c: 1 } }, d: [] }]),
      "l:\n  - a: 1\n    b: 2\nm:\n  - a:\n      b: { c: 1 }\n    d: []\n",
    ],
    ["a short map on one line", "a: 1\n", ins("m", { b: 1, c: "x" }), "a: 1\nm: { b: 1, c: x }\n"],
    [
      "a short map in lines, as one of this name is",
      "x:\n  m:\n    b: 1\n",
      ins("m", { c: 1 }),
      "x:\n  m:\n    b: 1\nm:\n  c: 1\n",
    ],
    [
      "a long map on one line, as one of this name is",
      "x:\n  m: { b: { c: 1 } }\n",
      ins("m", { d: { e: 1 } }),
      "x:\n  m: { b: { c: 1 } }\nm: { d: { e: 1 } }\n",
    ],
    ["an empty map and an empty list", "a: 1\n", ins("tasks", { b: {}, c: [] }), "a: 1\ntasks:\n  b: {}\n  c: []\n"],
    ["a name in double quotes, as the others are", '"a": 1\n"b": 2\n', ins("c", "d"), '"a": 1\n"b": 2\n"c": "d"\n'],
    ["a name in single quotes, as the others are", "'a': 1\n", ins("it's", "d"), "'a': 1\n'it''s': 'd'\n"],
    ["a plain name where quotes differ", "'a': 1\n\"b\": 2\n", ins("c", "d"), "'a': 1\n\"b\": 2\nc: d\n"],
    [
      "braces with the spaces of others",
      "m: {a: 1}\nl: [ 1 ]\n",
      ins("n", { b: [1], c: [] }),
      "m: {a: 1}\nl: [ 1 ]\nn:\n  b: [ 1 ]\n  c: []\n",
    ],
    ["the first entry of an empty map", "m: {} # m\nn: 1\n", ins("c", 3, "m"), "m: # m\n  c: 3\nn: 1\n"],
    ["the first entry where nothing is written", "m: # m\nn: 1\n", ins("c", 3, "m"), "m: # m\n  c: 3\nn: 1\n"],
    ["the first entry behind an anchor", "m: &m\nn: *m\n", ins("c", 3, "m"), "m: &m\n  c: 3\nn: *m\n"],
    ["the first entry at the end of a document", "m: {}", ins("c", 3, "m"), "m:\n  c: 3"],
    ["the first entry of a document", "{}\n", ins("c", 3), "{ c: 3 }\n"],
    ["the first entry in braces", "m: { a: {} }\n", ins("c", 3, "m", "a"), "m: { a: { c: 3 } }\n"],
    [
      "the first entry of an item",
      "l:\n  - {}\n  - 2\n",
      ins("tasks", { d: 1 }, "l", 0),
      "l:\n  - tasks:\n      d: 1\n  - 2\n",
    ],
    [
      "but no first entry in braces over several lines",
      "m: {\n  }\n",
      ins("c", 3, "m"),
      'edit-flow at "{": This part is written in braces or brackets over several lines, where nothing is inserted or removed.\nConvert to block: convert-to-block m',
    ],
    ["but no entry of a text", "m: x\n", ins("c", 3, "m"), 'edit-missing at "": The document has no m to add to.'],
    ["but no entry of a list", "m: [1]\n", ins("c", 3, "m"), 'edit-missing at "": The document has no m to add to.'],
    [
      "but no entry of what is not there",
      "m: x\n",
      ins("c", 3, "n", "o"),
      'edit-missing at "": The document has no n.o to add to.',
    ],
    [
      "but no entry in braces over several lines",
      "m:\n  a: { b: [1,\n    2] }\n",
      item(0, 3, "m", "a", "b"),
      'edit-flow at "[1,": This part is written in braces or brackets over several lines, where nothing is inserted or removed.\nConvert to block: convert-to-block m.a',
    ],
    [
      "but no entry in braces over several lines inside a list",
      "m:\n  - [1,\n    2]\n",
      item(0, 3, "m", 0),
      'edit-flow at "[1,": This part is written in braces or brackets over several lines, where nothing is inserted or removed.',
    ],
    [
      "but no entry in braces over several lines with comments",
      "m: { # why\n  a: 1 }\n",
      ins("c", 3, "m"),
      'edit-flow at "{ # why": This part is written in braces or brackets over several lines, where nothing is inserted or removed.',
    ],
    ["the first item of a list", "l:\n  # one\n  - 1\n", item(0, 0, "l"), "l:\n  - 0\n  # one\n  - 1\n"],
    [
      "an item behind another one",
      "l:\n  - 1 # one\n  - 2\n",
      item(1, "x: y", "l"),
      'l:\n  - 1 # one\n  - "x: y"\n  - 2\n',
    ],
    ["an item with a map", "l:\n  - 1\n", item(1, { a: 1, b: [1] }, "l"), "l:\n  - 1\n  - { a: 1, b: [1] }\n"],
    [
      "an item with a map in lines, as others are",
      "l:\n  - a: 1\n    b: 2\n",
      item(1, { on: { c: [1] } }, "l"),
      "l:\n  - a: 1\n    b: 2\n  - on:\n      c: [1]\n",
    ],
    ["the first item in brackets", "l: [1]\n", item(0, "x", "l"), "l: [x, 1]\n"],
    ["the last item in brackets", 'l: ["1", "2"]\n', item(2, "x", "l"), 'l: ["1", "2", "x"]\n'],
    ["the first item of an empty list", "l: []\nm: 1\n", item(0, { a: 1 }, "l"), "l:\n  - { a: 1 }\nm: 1\n"],
    [
      "the first item of an empty list, indented as others are",
      "k:\n- 1\nl: []\n",
      item(0, "x", "l"),
      "k:\n- 1\nl:\n- x\n",
    ],
    ["the first item in brackets inside brackets", "l: [[]]\nm: [ 1 ]\n", item(0, "x", "l", 0), "l: [[x]]\nm: [ 1 ]\n"],
    ["the first item where nothing is written", "l:\nm: 1\n", item(0, "x", "l"), "l:\n  - x\nm: 1\n"],
    [
      "but no first item on the line of its dash",
      "l:\n  - - 1\n",
      item(0, 0, "l", 0),
      'edit-flow at "- 1": The first entry is on the same line as its key.',
    ],
    ["but no item of a map", "l: { a: 1 }\n", item(0, 0, "l"), 'edit-missing at "": The document has no l to add to.'],
  ])("%s", (_what, before, step, after) => {
    expect(apply(before, step)).toBe(after);
  });
});

describe("a step replaces", () => {
  it.each<Case>([
    ["a scalar", "a: 1 # one\n", rep("x", "a"), "a: x # one\n"],
    ["nothing", "a: # none\nb: 2\n", rep("x", "a"), "a: x # none\nb: 2\n"],
    ["a scalar in braces by a map", "m: { a: 1 }\n", rep({ b: [1] }, "m", "a"), "m: { a: { b: [1] } }\n"],
    ["a scalar by a map in lines", "on: x # why\nb: 2\n", rep({ on: 1 }, "on"), "on: # why\n  on: 1\nb: 2\n"],
    ["a scalar by a list on one line", "a: x\n", rep([1, 2], "a"), "a: [1, 2]\n"],
    ["a block of lines by a scalar", "a: |-\n  x\n  y\nb: 2\n", rep(3, "a"), "a: 3\nb: 2\n"],
    [
      "a block of lines by a map in lines",
      "on: |\r\n  x\r\nb: 2\r\n",
      rep({ on: 1 }, "on"),
      "on:\r\n  on: 1\r\nb: 2\r\n",
    ],
    ["an item that is a block of lines", "l:\n  - |\n    x\n  - 2\n", rep(3, "l", 0), "l:\n  - 3\n  - 2\n"],
    ["nothing in braces", "m: { a: }\n", rep("x", "m", "a"), "m: { a: x }\n"],
    ["an empty item", "l:\n  -\n  - 2\n", rep("x", "l", 0), "l:\n  - x\n  - 2\n"],
    ["an item", "l:\n  - 1\n", rep({ a: { b: 1 } }, "l", 0), "l:\n  - { a: { b: 1 } }\n"],
    ["a flow map", "m: { a: 1 } # m\n", rep({ b: { c: 1 } }, "m"), "m: { b: { c: 1 } } # m\n"],
    ["a block map by one line", "m:\n  a: 1\n  b: 2\nn: 1\n", rep({ c: 1 }, "m"), "m: { c: 1 }\nn: 1\n"],
    ["an item that is a block map", "l:\n  - a: 1\n    b: 2\n", rep("x", "l", 0), "l:\n  - x\n"],
    [
      "but no block map with a comment inside",
      "m:\n  a: 1 # a\n  b: 2\nn: 1\n",
      rep({ c: 1 }, "m"),
      'edit-flow at "": Comments in this part would be lost.',
    ],
    [
      "but no flow map over several lines",
      "m: { a: 1,\n  b: 2 }\n",
      rep(1, "m"),
      'edit-flow at "{ a: 1,": This part is written in braces or brackets over several lines, where nothing is inserted or removed.\nConvert to block: convert-to-block m',
    ],
    ["but nothing that is not there", "m: 1\n", rep(1, "n"), 'edit-missing at "": The document has no n to add to.'],
  ])("%s", (_what, before, step, after) => {
    expect(apply(before, step)).toBe(after);
  });
});

describe("a step sets", () => {
  it.each<Case>([
    ["a text as it is quoted", "a: 'x'\n", set("it's", "a"), "a: 'it''s'\n"],
    ["a text with a control character", "a: 'x'\n", set("\u0007\u009f", "a"), 'a: "\\u0007\\u009f"\n'],
    ["a number", 'a: "x"\n', set(1.5, "a"), "a: 1.5\n"],
    ["a text that would be a number", "a: x\n", set("0x1f", "a"), 'a: "0x1f"\n'],
    ["a text that would be a map", "a: x\n", set("b: c", "a"), 'a: "b: c"\n'],
    ["a text with spaces at an end", "a: x\n", set(" b", "a"), 'a: " b"\n'],
    ["nothing", "a:\n", set("x", "a"), "a: x\n"],
    ["an item", "l: [1, x]\n", set("y", "l", 1), "l: [1, y]\n"],
    ["a block of lines", "a: >\n  x\nb: 1\n", set("y", "a"), "a: y\nb: 1\n"],
    ["a key as it is quoted", "'a': 1\n", ren("b", "a"), "'b': 1\n"],
    ["a key with an anchor", "&k a: 1\n", ren("b c", "a"), "&k b c: 1\n"],
    ["but no key that is not there", "a: 1\n", ren("b", "x", "c"), 'edit-missing at "": The document has no x.c.'],
  ])("%s", (_what, before, step, after) => {
    expect(apply(before, step)).toBe(after);
  });
});

describe("a step converts", () => {
  it.each<Case>([
    [
      "braces under a key, below what is merged",
      "x: &x { z: 1 }\nm: {\n  <<: *x, a: 1 }\n",
      block("m"),
      "x: &x { z: 1 }\nm:\n  <<: *x\n  a: 1\n",
    ],
    [
      "braces behind an anchor",
      "m: &m {\n  a: [1,\n   2] }\nn: *m\n",
      block("m"),
      "m: &m\n  a:\n    - 1\n    - 2\nn: *m\n",
    ],
  ])("%s", (_what, before, step, after) => {
    expect(apply(before, step)).toBe(after);
  });
});

describe("a text that no step can change", () => {
  it.each([
    ["empty", "", 'edit-syntax at "": A machine is a map.'],
    ["two documents", "a: 1\n---\nb: 2\n---\nc: [\n", 'edit-syntax at "": The text must be one YAML document.'],
    ["a scalar", "a\n", 'edit-syntax at "a": A machine is a map.'],
    ["a list", "- a\n", 'edit-syntax at "- a": A machine is a map.'],
    ["a key that is a list", "[b]: 1\n", 'edit-syntax at "[b]": A key must be a plain text.'],
    [
      "an alias without an anchor",
      "a: *b\n",
      'edit-syntax at "*b": The alias *b refers to no complete anchor before it.',
    ],
    [
      "an alias inside its anchor",
      "a: &b [*b]\n",
      'edit-syntax at "*b": The alias *b refers to no complete anchor before it.',
    ],
    [
      "a bracket that is not closed",
      "a: [b",
      'edit-syntax at "": Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  ])("%s", (_what, text, refusal) => {
    expect(apply(text, set(1, "a"))).toEqual(refusal);
  });
});
