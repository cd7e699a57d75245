import { describe, expect, it } from "vitest";
import { tasks } from "./tasks.ts";

const text = `version: 2
states:
  INIT: { tasks: [app, other], terminal: true }
tasks:
  app:
    executor: script
    config: { file: 5, size: "\${stack.id}" }
  other: { executor: elsewhere, config: {} }
`;
const script = {
  name: "script",
  config: { type: "object", properties: { file: { type: "string" }, size: { type: "number" } } },
};

describe("a text that is parsed", () => {
  it("has the faults of configs that the executors of the yard describe, and warns about other executors", () => {
    const { problems } = tasks.parse({ name: "m", text, executors: [script] });

    expect(problems.map(({ code, line, severity }) => [severity, code, line])).toEqual([
      ["error", "config-invalid", 7],
      ["warning", "executor-unchecked", 8],
    ]);
  });

  it("accepts any executor and config where none is described", () => {
    expect(tasks.parse({ name: "m", text, executors: [{ name: "lambda" }] }).problems).toEqual([]);
  });

  it("leaves the configs of version 1 to the yard", () => {
    const first =
      "version: 1\nstates: { INIT: { tasks: [a], terminal: true } }\ntasks: { a: { executor: script, config: { file: 5 } } }\n";
    const codes = tasks.parse({ name: "m", text: first, executors: [script] }).problems.map(({ code }) => code);

    expect(codes).not.toContain("config-invalid");
  });
});

describe("what goes with a name", () => {
  it("is shown from its key on, or as an item of a list", () => {
    const { removed } = tasks.removals({ text, what: "task", name: "app" });

    expect(removed.map(({ path, from }) => [path, text.slice(from).split(/[\s,]/, 1)[0]])).toEqual([
      ["tasks.app", "app:"],
      ["states.INIT.tasks.0", "app"],
    ]);
  });
});
