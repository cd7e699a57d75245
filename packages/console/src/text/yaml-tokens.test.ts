import { describe, expect, it } from "vitest";
import { toYamlTokens } from "./yaml-tokens.ts";

const colored = (line: string) =>
  toYamlTokens(line).flatMap(({ kind, text }) => (kind === undefined ? [] : [`${kind} ${text}`]));

describe("toYamlTokens", () => {
  it.each([
    ["version: 2", ["key version", "literal 2"]],
    ["  ROLL-OUT: # rolls out", ["key ROLL-OUT", "comment # rolls out"]],
    [
      '    on: { PUSHED: "it\'s #1", "a b": true }',
      ["key on", "key PUSHED", 'string "it\'s #1"', 'key "a b"', "literal true"],
    ],
    ["    tasks: [network, database]", ["key tasks"]],
    ["    timeout: 30m", ["key timeout"]],
    ["- url: https://example.org/#place", ["key url"]],
    ["  when: 'it''s' == x", ["key when", "string 'it''s'"]],
    ["# only this: yes", ["comment # only this: yes"]],
    ["  - 'single'", ["string 'single'"]],
    ["a:b: c", []],
    ["", []],
  ])("finds what has a color in %s", (line, tokens) => {
    expect(colored(line)).toEqual(tokens);
  });

  it("keeps each character of a line", () => {
    const lines = ["  on: { A: 'x', B: \"y\" } # z", '"', "'unclosed: x", "\t: :", "{a: {b: [1, 2.5, ~]}}"];

    expect(
      lines.map((line) =>
        toYamlTokens(line)
          .map(({ text }) => text)
          .join(""),
      ),
    ).toEqual(lines);
  });

  it("reads a long line in time that grows with its length", () => {
    const line = `${'"\\'.repeat(20_000)} ${"a".repeat(50_000)}`;
    const start = performance.now();

    toYamlTokens(line);

    expect(performance.now() - start).toBeLessThan(2_000);
  });
});
