import { isStackyardError } from "@stackyard/core";
import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import plugin, { createLambdaExecutor, LambdaOptions } from "./index.ts";
import { aContext } from "./testing/a-context.ts";
import { start } from "./testing/run.ts";

const functions = { "make-db": "./make-db.ts" };
const target = { account: "123456789012", region: "eu-west-1", partition: "aws" };

describe("the plugin", () => {
  it("gives the executor lambda", () => {
    const [executor] = plugin.executors(
      {},
      { projectDir: "/p", dataDir: "/d", environment: {}, readSecret: async () => "" },
    );

    expect(plugin).toMatchObject({ kind: "stackyard-plugin", name: "lambda" });
    expect(executor?.name).toBe("lambda");
    expect(executor?.exclusiveKey).toBeUndefined();
  });

  it("rejects functions that it cannot run", () => {
    const load = () =>
      plugin.executors(
        { functions: { a: "./a.rb" } },
        { projectDir: "/p", dataDir: "/d", environment: {}, readSecret: async () => "" },
      );

    expect(load).toThrow(expect.toSatisfy((error: unknown) => isStackyardError(error, "CONFIG_INVALID")));
  });

  it.each([
    [{}, true],
    [{ functions: { f: "./f.ts" }, mode: "local" }, true],
    [{ functions: { f: { file: "./f.ts", timeout: "30s", memoryMb: 64, env: { A: "1" } } } }, true],
    [{ functions: { f: { command: ["x"] } } }, true],
    [{ functions: { f: { command: [] } } }, false],
    [{ functions: { f: { file: "./f.ts", timeout: "soon" } } }, false],
    [{ functions: { f: {} } }, false],
    [{ mode: "cloud" }, false],
    [{ function: {} }, false],
  ])("checks the options %j: %s", (options, valid) => {
    expect(Value.Check(LambdaOptions, options)).toBe(valid);
  });
});

describe("the executor lambda", () => {
  it("in local mode calls nothing else, and says what it serves", async () => {
    const executor = createLambdaExecutor({ functions, mode: "local" });

    expect(await start(executor, aContext(), { name: "make-bd" })).toEqual({
      kind: "failed",
      code: "LAMBDA_NOT_FOUND",
      message:
        'The function "make-bd" is not served locally, and local mode calls only local functions. Served locally: "make-db". Did you mean "make-db"?',
      retryable: false,
    });
  });

  it.each([
    [{ functions }, "make-db:live", {}, 'Would run the local function "make-db".'],
    [{ functions }, "roll-out", {}, 'Would call "roll-out" in AWS.'],
    [{ functions, mode: "aws" as const }, "make-db", { target }, 'Would call "make-db" in 123456789012, eu-west-1.'],
    [{ functions, mode: "local" as const }, "x", {}, 'The function "x" is not served locally: the task would fail.'],
  ])("plans %j", async (options, name, ctx, summary) => {
    const executor = createLambdaExecutor(options);

    expect(await executor.plan?.(aContext(ctx), { name } as never)).toEqual({ summary });
  });

  it("ends a cancelled attempt that it has no call of", async () => {
    const step = await createLambdaExecutor().cancel?.(aContext(), { name: "f" } as never, undefined as never);

    expect(step).toMatchObject({ kind: "failed", code: "LAMBDA_CANCELLED", retryable: false });
  });
});
