import { StackyardError } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { findFunction, toServedText } from "./find-function.ts";
import { parseLocalFunctions } from "./local-function.ts";

const parse = (functions: Parameters<typeof parseLocalFunctions>[0]) =>
  parseLocalFunctions(functions, { projectDir: "/project", environment: {} });

describe("parseLocalFunctions", () => {
  it("reads a file, with or without its handler", () => {
    const functions = parse({ a: "./fn/a.ts", b: "fn/b.py:main", c: { file: "/abs/c.mjs:$run" } });

    expect([...functions.values()].map((each) => each.entry)).toEqual([
      { kind: "node", file: "/project/fn/a.ts", handler: "handler" },
      { kind: "python", file: "/project/fn/b.py", handler: "main" },
      { kind: "node", file: "/abs/c.mjs", handler: "$run" },
    ]);
  });

  it("fills in what is not said", () => {
    expect(parse({ a: { command: ["./a.sh", "-x"] } }).get("a")).toEqual({
      name: "a",
      entry: { kind: "command", command: ["./a.sh", "-x"] },
      cwd: "/project",
      timeoutMs: 900_000,
      memoryMb: 512,
      runnerEnv: {},
      env: {},
    });
  });

  it("takes time-out, memory and environment", () => {
    expect(parse({ a: { file: "a.js", timeout: "2m", memoryMb: 64, env: { A: "1" } } }).get("a")).toMatchObject({
      timeoutMs: 120_000,
      memoryMb: 64,
      env: { A: "1" },
    });
  });

  it("tells every fault at once", () => {
    expect(() => parse({ a: "a.rb", b: { file: "b.ts", timeout: "16m" }, c: { command: [] } })).toThrow(
      new StackyardError(
        "CONFIG_INVALID",
        'Executor "lambda": functions["a"] must name a .ts, .js or .py file, or a command. functions["b"].timeout must be 15m or less. functions["c"] must name a .ts, .js or .py file, or a command.',
      ),
    );
  });
});

describe("findFunction", () => {
  const functions = parse({ "make-db": "a.ts", "make-db:old": "b.ts", constructor: "c.ts" });

  it.each([
    ["make-db", "make-db"],
    ["make-db:live", "make-db"],
    ["make-db:old", "make-db:old"],
    ["arn:aws:lambda:eu-west-1:123456789012:function:make-db:live", "make-db"],
    ["constructor", "constructor"],
    ["toString", undefined],
  ])("takes %s for %s", (text, name) => {
    expect(findFunction(functions, text)?.name).toBe(name);
  });
});

describe("toServedText", () => {
  it("names the functions and the nearest one", () => {
    const functions = parse({ "make-db": "a.ts", "roll-out": "b.ts" });

    expect(toServedText(functions, "make-bd:live")).toBe(
      'Served locally: "make-db", "roll-out". Did you mean "make-db"?',
    );
    expect(toServedText(functions, "send-mail")).toBe('Served locally: "make-db", "roll-out".');
  });

  it("says how to serve one where there is none", () => {
    expect(toServedText(parse(undefined), "f")).toBe(
      'No function is served locally; name some in the option "functions".',
    );
  });
});
