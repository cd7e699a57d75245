import { InvokeCommand, type InvokeCommandInput, LambdaClient } from "@aws-sdk/client-lambda";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld, OTHER } from "./testing/a-world.ts";

function createLambda(handler: (event: unknown) => unknown, options: object = {}) {
  const world = createWorld();
  world.sim.lambda.addFunction({ account: ACCOUNT, region: "eu-west-1", name: "f", handler, ...options });
  const client = world.client(LambdaClient);
  const invoke = async (input: Partial<InvokeCommandInput> = {}) => {
    const { Payload, ...answer } = await client.send(new InvokeCommand({ FunctionName: "f", ...input }));
    return { ...answer, text: Payload?.transformToString() };
  };
  return { ...world, invoke };
}

const echo = (event: unknown): unknown => event;

describe("Invoke", () => {
  it.each(["f", "f:live", `${ACCOUNT}:function:f`, `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:f`])(
    "runs the function that %s names",
    async (FunctionName) => {
      const { invoke } = createLambda(echo);

      expect(await invoke({ FunctionName, Payload: '{"a":1}' })).toMatchObject({ StatusCode: 200, text: '{"a":1}' });
    },
  );

  it("answers what the function throws as its error, with status 200", async () => {
    const { invoke } = createLambda(() => {
      throw new TypeError("no database");
    });

    const { StatusCode, FunctionError, text } = await invoke();

    expect({ StatusCode, FunctionError }).toEqual({ StatusCode: 200, FunctionError: "Unhandled" });
    expect(JSON.parse(text ?? "")).toMatchObject({ errorType: "TypeError", errorMessage: "no database" });
  });

  it("reports an answer above 6 MB as an error", async () => {
    const { invoke } = createLambda(() => "x".repeat(6_291_555));

    const { FunctionError, text } = await invoke();

    expect(FunctionError).toBe("Unhandled");
    expect(JSON.parse(text ?? "")).toMatchObject({ errorType: "Function.ResponseSizeTooLarge" });
  });

  it("knows only functions that are there, and active ones", async () => {
    const { invoke, clock } = createLambda(echo, { activeAt: Date.UTC(2026, 0, 1) + 1_000 });

    await expect(invoke({ FunctionName: "g" })).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    await expect(invoke()).rejects.toMatchObject({ name: "ResourceConflictException" });
    await clock.advance(1_000);
    expect(await invoke()).toMatchObject({ StatusCode: 200 });
    await expect(invoke({ FunctionName: `${OTHER}:function:f` })).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
  });

  it("runs no more at a time than are reserved", async () => {
    let end: (() => void) | undefined;
    const { invoke } = createLambda(() => new Promise<void>((resolve) => (end = resolve)), { reservedConcurrency: 1 });
    const first = invoke();
    while (end === undefined) await new Promise(setImmediate);

    await expect(invoke()).rejects.toMatchObject({
      name: "TooManyRequestsException",
      Reason: "ReservedFunctionConcurrentInvocationLimitExceeded",
    });
    end();
    await first;
  });

  it("takes 6 MB to wait for and 1 MB to leave behind", async () => {
    const { invoke } = createLambda(echo);
    const megabytes = (count: number): string => JSON.stringify("x".repeat(count * 1024 * 1024 - 2));

    await invoke({ Payload: megabytes(6) });
    await expect(invoke({ Payload: megabytes(7) })).rejects.toMatchObject({ name: "RequestTooLargeException" });
    expect(await invoke({ InvocationType: "Event", Payload: megabytes(1) })).toMatchObject({ StatusCode: 202 });
    await expect(invoke({ InvocationType: "Event", Payload: megabytes(2) })).rejects.toMatchObject({
      name: "RequestTooLargeException",
    });
  });
});
