import { StackyardError } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { parseFunctionName, parseLocalFunctions, toLocalProgram, toNotStarted } from "./invoke-locally.ts";
import { findFunction, toServedText } from "./lambda.ts";

describe("toLocalProgram", () => {
  it("gives a function what it needs of the runner's environment, Lambda's over it, and its own over both", () => {
    const environment = { PATH: "/bin", HOME: "/home/kim", AWS_LAMBDA_FUNCTION_NAME: "the runner's" };
    const hidden = {
      STAGE: "prod",
      GITHUB_APP_KEY: "k",
      STACKYARD_SEAL_KEY: "k",
      DATABASE_URL: "d",
      NODE_OPTIONS: "-r x",
    };
    const fn = { command: ["true"], env: { STAGE: "dev" } };
    const local = parseLocalFunctions(
      { f: fn },
      { projectDir: "/project", environment: { ...environment, ...hidden } },
    ).get("f");
    if (local === undefined) throw new Error("The function was not read.");
    const context = {
      functionName: "f",
      functionVersion: "$LATEST",
      invokedFunctionArn: "arn:aws:lambda:local:000000000000:function:f",
      memoryLimitInMB: "512",
      awsRequestId: "id",
      logGroupName: "/aws/lambda/f",
      logStreamName: "local",
    };

    expect(toLocalProgram(local, context, "{}").env).toEqual({
      PATH: "/bin",
      HOME: "/home/kim",
      STAGE: "dev",
      AWS_LAMBDA_FUNCTION_NAME: "f",
      AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
      AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/f",
      AWS_LAMBDA_LOG_STREAM_NAME: "local",
      LAMBDA_TASK_ROOT: "/project",
    });
  });
});

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

  it("uses defaults for missing settings", () => {
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

  it("takes timeout, memory and environment", () => {
    expect(parse({ a: { file: "a.js", timeout: "2m", memoryMb: 64, env: { A: "1" } } }).get("a")).toMatchObject({
      timeoutMs: 120_000,
      memoryMb: 64,
      env: { A: "1" },
    });
  });

  it("reports every error at once", () => {
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

  it("explains how to serve a function when none is configured", () => {
    expect(toServedText(parse(undefined), "f")).toBe(
      'No function is served locally; name some in the option "functions".',
    );
  });
});

const errorOf = (code: string) => Object.assign(new Error(`spawn node ${code}`), { code });

describe("a program that cannot be started", () => {
  it.each(["EMFILE", "ENFILE", "EAGAIN", "ENOMEM"])("may be tried again after %s", (code) => {
    expect(toNotStarted("id", "node", errorOf(code))).toMatchObject({
      kind: "failed",
      code: "LAMBDA_UNAVAILABLE",
      retryable: true,
      message: expect.stringContaining(`The local function was not started: spawn node ${code}. `),
    });
  });

  it.each(["ENOENT", "EACCES"])("is the function's error after %s", (code) => {
    expect(toNotStarted("id", "node", errorOf(code))).toMatchObject({ functionError: "Unhandled" });
  });
});

describe("parseFunctionName", () => {
  it.each([
    ["make-db", { name: "make-db" }],
    ["make-db:live", { name: "make-db", qualifier: "live" }],
    ["make-db:$LATEST", { name: "make-db", qualifier: "$LATEST" }],
    ["123456789012:function:make-db", { name: "make-db" }],
    ["123456789012:function:make-db:7", { name: "make-db", qualifier: "7" }],
    ["arn:aws:lambda:eu-west-1:123456789012:function:make-db", { name: "make-db" }],
    ["arn:aws-cn:lambda:cn-north-1:123456789012:function:make-db:live", { name: "make-db", qualifier: "live" }],
    ["function:live", { name: "function", qualifier: "live" }],
    ["make-db:", { name: "make-db" }],
    [":", { name: ":" }],
    ["arn:aws:lambda:eu-west-1:123456789012:function:", { name: "arn:aws:lambda:eu-west-1:123456789012:function:" }],
  ])("reads %s", (text, expected) => {
    expect(parseFunctionName(text)).toEqual(expected);
  });
});
