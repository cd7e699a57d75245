// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.

import { describe, expect, it } from "vitest";
import { acceptingExecutors } from "../../testing/builders.ts";
import { parseMachine } from "../parse-machine.ts";

const read = (source: string) => parseMachine(source, { name: "m", executors: acceptingExecutors("w") });
const withConfig = (config: string) => `version: 2
events: [GO]
states:
  INIT: { on: { GO: UP } }
  UP: { tasks: [a], terminal: true }
tasks:
  a: { executor: w, config: ${config} }
`;
const QUOTED = 'A text with ${…} inside { } or [ ] must be quoted, such as "${metadata.name}".';

describe("messages about documents", () => {
  it.each([
    "{ a: ${metadata.x} }",
    "{ a: [${metadata.x}, 1] }",
    "{ a: x${metadata.x}y }",
    "{ a: ${metadata.x}, b: 1 }",
  ])("explain an unquoted placeholder in %s once", (config) => {
    expect(read(withConfig(config)).problems.map(({ code, message }) => [code, message])).toEqual([
      ["yaml-syntax", QUOTED],
    ]);
  });

  it("name a repeated key before what it hides", () => {
    const source = withConfig("{}").replace("tasks:\n", "states:\n  INIT: { on: { GO: NOWHERE } }\ntasks:\n");

    const [first, ...more] = read(source).problems;

    expect(first).toMatchObject({ code: "duplicate-mapping-key", line: 6 });
    expect(more.every(({ line }, index) => index === 0 || line >= (more[index - 1]?.line ?? 0))).toBe(true);
  });

  it("list at most three places of a broken text", () => {
    const { problems } = read("version: 2\nevents: [A\nstates:\n  INIT: {on: {A: [}\n  B: }\n  C: ]\n  D: }\n");

    expect(problems.map(({ code, line }) => [code, line])).toEqual([
      ["yaml-syntax", 3],
      ["yaml-syntax", 4],
      ["yaml-syntax", 5],
    ]);
  });

  it("explain a key that begins with an asterisk once", () => {
    const { problems } = read(withConfig("{ a: 1 }").replace("  a: { executor", "  *name: { executor"));

    expect(problems).toMatchObject([{ code: "yaml-syntax", message: expect.stringContaining("is an alias in YAML") }]);
  });

  it("explain on that another tool has written as true", () => {
    const source = "version: 2\nevents: [GO]\nstates:\n  INIT:\n    true: { GO: UP }\n  UP: { terminal: true }\n";

    expect(read(source).problems).toContainEqual(
      expect.objectContaining({ code: "state-unknown-key", message: 'Unknown key "true" in a state. Write on.' }),
    );
  });

  it("warn of tags that are read as something else, and keep the values", () => {
    const { machine, problems } = read(
      withConfig("{ o: !!omap [b: 1, c: 2], p: !!pairs [b: 1], s: !!set {x, y}, t: !!binary aGk= }"),
    );

    expect(problems.map(({ code, severity }) => [code, severity])).toEqual(
      Array(4).fill(["scalar-ambiguous", "warning"]),
    );
    expect(machine?.tasks.get("a")?.definition).toMatchObject({
      config: { o: [{ b: 1 }, { c: 2 }], p: [{ b: 1 }], s: { x: null, y: null }, t: expect.any(String) },
    });
  });
});
