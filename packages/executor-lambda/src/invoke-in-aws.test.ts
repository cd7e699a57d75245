import * as sdk from "@aws-sdk/client-lambda";
import { InvokeCommand, LambdaClient, ResourceNotFoundException } from "@aws-sdk/client-lambda";
import { type ExecutorContext, StackyardError } from "@stackyard/core";
import { mockClient } from "aws-sdk-client-mock";
import fc from "fast-check";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { toCallFailure, toLogLines } from "./invoke-in-aws.ts";
import { createLambdaExecutor } from "./lambda.ts";
import { aContext } from "./testing/a-context.ts";
import { start } from "./testing/run.ts";

const lambda = mockClient(LambdaClient);

afterAll(() => lambda.restore());
const aws: ExecutorContext["aws"] = (client) => new client({ region: "eu-west-1" } as never);
const executor = createLambdaExecutor({ functions: { "make-db": "./make-db.ts" } });

function answer(payload: string, given: object = {}): void {
  const bytes = Object.assign(Buffer.from(payload), { transformToString: () => payload });
  lambda.on(InvokeCommand).resolves({ StatusCode: 200, Payload: bytes as never, ...given });
}

describe("a deployed function", () => {
  beforeEach(() => lambda.reset());
  afterEach(() => lambda.reset());

  it("is called once, synchronously, with its log and nothing else", async () => {
    answer('{"url":"https://pr-12"}');

    const step = await start(executor, aContext({ aws }), { name: "roll-out:live", args: { size: 2 } });

    expect(step).toEqual({ kind: "succeeded", outputs: { url: "https://pr-12" } });
    expect(lambda.commandCalls(InvokeCommand).map((call) => call.args[0].input)).toEqual([
      {
        FunctionName: "roll-out:live",
        InvocationType: "RequestResponse",
        LogType: "Tail",
        Payload: Buffer.from('{"stackId":"pr-12","metadata":{"sha":"9f1c"},"args":{"size":2}}'),
      },
    ]);
  });

  it("may answer nothing", async () => {
    lambda.on(InvokeCommand).resolves({ StatusCode: 200 });

    expect(await start(executor, aContext({ aws }), { name: "roll-out" })).toEqual({ kind: "succeeded", outputs: {} });
  });

  it.each(["Handled", "Unhandled"])("fails with its own words when the error is %s", async (FunctionError) => {
    answer('{"errorType":"Error","errorMessage":"no disk","trace":["Error: no disk"]}', { FunctionError });

    expect(await start(executor, aContext({ aws }), { name: "roll-out" })).toEqual({
      kind: "failed",
      code: "LAMBDA_FUNCTION_ERROR",
      message: "Error: no disk",
      retryable: true,
    });
  });

  it("shows the end of its log", async () => {
    const LogResult = Buffer.from("START RequestId: 5f\nhello\n\nREPORT Duration: 3 ms\n").toString("base64");
    answer("null", { LogResult });
    const ctx = aContext({ aws });

    await start(executor, ctx, { name: "roll-out" });

    expect(ctx.reports).toEqual(["START RequestId: 5f", "hello", "REPORT Duration: 3 ms"]);
  });

  it("says which outputs find no room", async () => {
    answer(JSON.stringify(Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`k${index}`, index]))));
    const ctx = aContext({ aws });

    await start(executor, ctx, { name: "roll-out" });

    expect(ctx.reports).toEqual([
      "Outputs left out, over 64 names or 64 KiB: k64, k65, k66, k67, k68, k69, k70, k71, k72, k73 and 6 more",
    ]);
  });

  it("is not called with a payload that Lambda would refuse", async () => {
    const step = await start(executor, aContext({ aws }), { name: "roll-out", args: { big: "x".repeat(6_291_456) } });

    expect(step).toMatchObject({ kind: "failed", code: "LAMBDA_PAYLOAD_TOO_LARGE", retryable: false });
    expect(lambda.commandCalls(InvokeCommand)).toHaveLength(0);
  });

  it("is not called by an attempt that is cancelled already", async () => {
    const step = await start(executor, aContext({ aws, cancelling: true }), { name: "roll-out" });

    expect(step).toMatchObject({ kind: "failed", code: "LAMBDA_CANCELLED", retryable: false });
    expect(lambda.commandCalls(InvokeCommand)).toHaveLength(0);
  });

  it("that is unknown may be a misspelt local one", async () => {
    lambda.on(InvokeCommand).rejects(new ResourceNotFoundException({ message: "Function not found", $metadata: {} }));

    const step = await start(executor, aContext({ aws }), { name: "make-bd" });

    expect(step).toEqual({
      kind: "failed",
      code: "LAMBDA_NOT_FOUND",
      message: [
        'The call of "make-bd" failed. ResourceNotFoundException: Function not found',
        "Check the name, the alias, the region and the account.",
        'Served locally: "make-db". Did you mean "make-db"?',
      ].join("\n"),
      retryable: false,
    });
  });

  it("says what is served locally without AWS", async () => {
    const without: ExecutorContext["aws"] = () => {
      throw new StackyardError("CONFIG_INVALID", "This runner has no access to AWS.");
    };

    const step = await start(executor, aContext({ aws: without }), { name: "send-mail" });

    expect(step).toEqual({
      kind: "failed",
      code: "LAMBDA_NOT_CONFIGURED",
      message:
        'The function "send-mail" is not served locally, and AWS is not configured. This runner has no access to AWS. Served locally: "make-db".',
      retryable: false,
    });
  });
});

const codeOf = (error: unknown): string => toCallFailure("make-db", error).code;

function anError(name: string, given: object = {}): Error {
  return Object.assign(new Error("said by the service"), { name, ...given });
}

describe("toCallFailure", () => {
  it.each([
    ["TooManyRequestsException", "LAMBDA_THROTTLED", true],
    ["EC2ThrottledException", "LAMBDA_THROTTLED", true],
    ["AccessDeniedException", "LAMBDA_ACCESS_DENIED", false],
    ["ExpiredTokenException", "LAMBDA_ACCESS_DENIED", false],
    ["ResourceNotFoundException", "LAMBDA_NOT_FOUND", false],
    ["ResourceConflictException", "LAMBDA_NOT_READY", true],
    ["SnapStartNotReadyException", "LAMBDA_NOT_READY", true],
    ["RequestTooLargeException", "LAMBDA_PAYLOAD_TOO_LARGE", false],
    ["InvalidParameterValueException", "LAMBDA_REQUEST_REFUSED", false],
    ["RecursiveInvocationException", "LAMBDA_REQUEST_REFUSED", false],
    ["KMSAccessDeniedException", "LAMBDA_FUNCTION_BROKEN", false],
    ["InvalidRuntimeException", "LAMBDA_FUNCTION_BROKEN", false],
    ["ServiceException", "LAMBDA_UNAVAILABLE", true],
    ["SubnetIPAddressLimitReachedException", "LAMBDA_UNAVAILABLE", true],
    ["CredentialsProviderError", "LAMBDA_NOT_CONFIGURED", false],
  ])("maps %s to %s", (name, code, retryable) => {
    expect(toCallFailure("make-db", anError(name))).toMatchObject({ kind: "failed", code, retryable });
  });

  it.each(["AccessDeniedException", "InvalidParameterValueException"])(
    "takes %s about a role that Lambda cannot assume yet for a function that is not ready [chalice#1342]",
    (name) => {
      const error = Object.assign(new Error("The role defined for the function cannot be assumed by Lambda."), {
        name,
      });

      expect(toCallFailure("make-db", error)).toMatchObject({ code: "LAMBDA_NOT_READY", retryable: true });
    },
  );

  it("knows every exception that the SDK declares for Invoke", async () => {
    const { readFile } = await import("node:fs/promises");
    const folder = import.meta.resolve("@aws-sdk/client-lambda").replace(/dist-.*$/, "");
    const text = await readFile(new URL(`${folder}dist-types/commands/InvokeCommand.d.ts`), "utf8");
    const names = [...text.matchAll(/@throws \{@link (\w+Exception)\}/g)].map((match) => match[1] ?? "");
    const unknown = names.filter(
      (name) => name !== "LambdaServiceException" && codeOf(anError(name)) === "LAMBDA_ANSWER_LOST",
    );

    expect(names.length).toBeGreaterThan(30);
    expect(names.every((name) => name in sdk)).toBe(true);
    expect(unknown).toEqual([]);
  });

  it.each([
    [400, "LAMBDA_REQUEST_REFUSED"],
    [401, "LAMBDA_ACCESS_DENIED"],
    [403, "LAMBDA_ACCESS_DENIED"],
    [404, "LAMBDA_NOT_FOUND"],
    [409, "LAMBDA_NOT_READY"],
    [413, "LAMBDA_PAYLOAD_TOO_LARGE"],
    [429, "LAMBDA_THROTTLED"],
    [500, "LAMBDA_UNAVAILABLE"],
    [503, "LAMBDA_UNAVAILABLE"],
    [200, "LAMBDA_ANSWER_LOST"],
  ])("goes by the status %i of an exception that it does not know", (httpStatusCode, code) => {
    expect(codeOf(anError("BrandNewException", { $metadata: { httpStatusCode } }))).toBe(code);
  });

  it.each([
    ["a connection that was refused", { code: "ECONNREFUSED" }, "LAMBDA_UNAVAILABLE"],
    ["an unknown name", { code: "ENOTFOUND" }, "LAMBDA_UNAVAILABLE"],
    ["a timeout of the connect", { code: "ETIMEDOUT", syscall: "connect" }, "LAMBDA_UNAVAILABLE"],
    ["a connection that was reset", { code: "ECONNRESET" }, "LAMBDA_ANSWER_LOST"],
    ["a silent socket", { name: "TimeoutError" }, "LAMBDA_ANSWER_LOST"],
    ["an unknown cause", {}, "LAMBDA_ANSWER_LOST"],
  ])("distinguishes a call that was never sent from a lost answer: %s", (_, given, code) => {
    expect(codeOf(anError("Error", given))).toBe(code);
  });

  it("accepts a value that is not an error", () => {
    expect(toCallFailure("make-db", "odd")).toEqual({
      kind: "failed",
      code: "LAMBDA_UNAVAILABLE",
      message: 'The call of "make-db" failed. odd\nLambda did not serve the call; try again.',
      retryable: true,
    });
  });

  it("reports a missing region", () => {
    expect(codeOf(new Error("Region is missing"))).toBe("LAMBDA_NOT_CONFIGURED");
  });
});

const base64 = (bytes: Buffer): string => bytes.toString("base64");

describe("toLogLines", () => {
  it("gives lines without their ends and without blank ones", () => {
    expect(toLogLines(base64(Buffer.from("a\r\n\n  b  \nc")))).toEqual(["a", "  b", "c"]);
  });

  it("has none without a log", () => {
    expect(toLogLines(undefined)).toEqual([]);
    expect(toLogLines("")).toEqual([]);
  });

  it("leaves out a character that the cut of the log has halved", () => {
    expect(toLogLines(base64(Buffer.from("üx").subarray(1)))).toEqual(["x"]);
  });

  it("bounds what it takes", () => {
    expect(toLogLines(base64(Buffer.alloc(1_000_000, "x"))).join("")).toHaveLength(8_192);
  });

  it("never throws", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void toLogLines(text)));
  });
});
