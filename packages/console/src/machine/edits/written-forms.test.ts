// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { describe, expect, it } from "vitest";
import type { Operation } from "./operation.ts";
import { planEdit } from "./plan-edit.ts";
import { applyToText } from "./testing/apply-to-text.ts";

function plan(text: string, operation: Operation): string {
  const planned = planEdit(text, operation);
  if ("refusal" in planned) return `${planned.refusal.code}: ${planned.refusal.message}`;
  return applyToText(text, planned.changes);
}

/** An example in lines, which an edit changes as a whole text. */
function lines(...all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}

describe("a flow collection over several lines becomes block style", () => {
  const convert = (text: string, ...path: readonly (string | number)[]) =>
    plan(text, { kind: "convert-to-block", path });

  it("under its key, with what is on one line inside unchanged", () => {
    const text = lines("version: 2", "states: {", "  INIT: { on: { A: B } },", "  B: {}", "}", "tasks: {}");

    expect(convert(text, "states")).toBe(
      lines("version: 2", "states:", "  INIT: { on: { A: B } }", "  B: {}", "tasks: {}"),
    );
  });

  it("as a whole document, with lists and maps inside that take several lines too", () => {
    const text = lines(
      '{ "version": 2,',
      '  "events": ["A",',
      '    "B"],',
      '  "states": { "INIT": {',
      '    "after": [{ "in": "1h",',
      '      "event": "A" }, { "in": "2h", "event": "B" }] } } }',
    );

    expect(convert(text)).toBe(
      lines(
        '"version": 2',
        '"events":',
        '  - "A"',
        '  - "B"',
        '"states":',
        '  "INIT":',
        '    "after":',
        '      - "in": "1h"',
        '        "event": "A"',
        '      - { "in": "2h", "event": "B" }',
      ),
    );
  });

  it("with the line ends of the text, its step, and aliases as they are", () => {
    const text = lines(
      "x: &x { A: INIT }",
      "states:",
      "    INIT:",
      "        on: {",
      "          B: INIT }",
      "    C: {",
      "      on: *x,",
      "      tasks: [] }",
    ).replaceAll("\n", "\r\n");

    expect(convert(text, "states", "C")).toBe(
      text.replace("    C: {\r\n      on: *x,\r\n      tasks: [] }", "    C:\r\n        on: *x\r\n        tasks: []"),
    );
  });

  it.each([
    ["what is not there", ["none"], "edit-missing: There is nothing to convert."],
    ["what is block style already", ["states"], "edit-missing: There is nothing to convert."],
    ["what is on one line", ["states", "INIT"], "edit-missing: There is nothing to convert."],
    ["comments inside", ["tasks"], "edit-flow: Comments in this part would be lost."],
    ["an item of a list", ["list", 0], "edit-flow: This part cannot be converted."],
  ])("but not %s", (_what, path, refusal) => {
    const text = lines("states:", "  INIT: {}", "tasks: { # why", "  a: {} }", "list:", "  - { a: 1,", "      b: 2 }");

    expect(convert(text, ...path)).toBe(refusal);
  });
});

describe("a scalar is written as it was", () => {
  const machine = (value: string) =>
    lines("version: 2", "states:", "  INIT:", `    timeout: ${value} # long`, "  B: {}");
  const set = (value: string | number | undefined, text: string) =>
    plan(text, { kind: "set-key", what: "state", name: "INIT", key: "timeout", value });

  it.each([
    ["plain", "5m", "1h", "1h"],
    ["in double quotes", '"5m"', "1h", '"1h"'],
    ["in single quotes", "'5m'", "it's", "'it''s'"],
    ["in quotes that it needs", "5m", "1: 2", '"1: 2"'],
    ["in quotes, since it would be a number", "5m", "12", '"12"'],
  ])("%s", (_what, before, value, after) => {
    expect(set(value, machine(before))).toBe(machine(after));
  });

  it("but not as a block of lines", () => {
    const text = lines("version: 2", "states:", "  INIT:", "    timeout: |-", "      5m", "  B: {}");

    expect(set("1h", text)).toBe(lines("version: 2", "states:", "  INIT:", "    timeout: 1h", "  B: {}"));
  });

  it("and where nothing was written", () => {
    const text = lines("version: 2", "states:", "  INIT:", "    timeout:", "  B: {}");

    expect(set("1h", text)).toBe(lines("version: 2", "states:", "  INIT:", "    timeout: 1h", "  B: {}"));
  });
});

describe("a name in an expression is changed where it stands", () => {
  const machine = (when: string, name = "LIVE") =>
    lines(
      "version: 2",
      "events: [A]",
      "states:",
      `  INIT: { on: { A: [{ when: ${when}, action: no-op }] } }`,
      `  ${name}: {}`,
    );
  const rename = (when: string, to: string) => plan(machine(when), { kind: "rename", what: "state", from: "LIVE", to });

  it.each([
    ["plain", "stack.visits.LIVE < 3", "UP", "stack.visits.UP < 3"],
    ["in double quotes", '"stack.visits.LIVE < 3"', "UP", '"stack.visits.UP < 3"'],
    ["in single quotes", "'stack.visits.LIVE < 3'", "UP", "'stack.visits.UP < 3'"],
    [
      "where it begins and ends alike",
      '"stack.visits.LIVE + stack.visits.LIVE"',
      "LIVELY",
      '"stack.visits.LIVELY + stack.visits.LIVELY"',
    ],
    ["with quotes inside quotes", "'stack.visits.LIVE < 3'", "A-B", "'stack.visits[''A-B''] < 3'"],
    ["with quotes inside double quotes", '"stack.visits.LIVE < 3"', "A-B", "\"stack.visits['A-B'] < 3\""],
  ])("%s", (_what, before, to, after) => {
    expect(rename(before, to)).toBe(machine(after, to));
  });

  it.each([
    ['"stack.visits.LIVE\\x20< 3"', "edit-escaped"],
    ["'stack.state == ''x'' || stack.visits.LIVE < 3'", "edit-escaped"],
  ])("but not with escapes: %s", (when, code) => {
    expect(rename(when, "UP")).toBe(
      `${code}: The expression is written with escapes or over several lines, where no name is changed.`,
    );
  });
});
