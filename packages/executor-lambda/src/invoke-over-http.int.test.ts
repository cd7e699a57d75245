import type { ExecutorContext } from "@stackyard/core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createLambdaExecutor } from "./lambda.ts";
import { aContext } from "./testing/a-context.ts";
import { type FakeLambda, startFakeLambda } from "./testing/fake-lambda.ts";
import { start } from "./testing/run.ts";

const timedOut = {
  errorType: "Sandbox.Timedout",
  errorMessage: "RequestId: 5f Error: Task timed out after 3.00 seconds",
};
const executor = createLambdaExecutor();

let service: FakeLambda;
let aws: ExecutorContext["aws"];

beforeAll(async () => {
  service = await startFakeLambda({
    ok: { payload: '{"url":"https://pr-12","ports":[80]}', log: "START\nhällo\nEND\n" },
    slow: { payload: '"done"', afterMs: 300 },
    huge: { payload: JSON.stringify("x".repeat(6_300_000)) },
    broken: {
      functionError: "Unhandled",
      payload: '{"errorType":"KeyError","errorMessage":"\'db\'","stackTrace":["  File a"]}',
    },
    "timed-out": { functionError: "Unhandled", payload: JSON.stringify(timedOut) },
    throttled: {
      status: 429,
      type: "TooManyRequestsException",
      message: "Rate Exceeded.",
      reason: "ReservedFunctionConcurrentInvocationLimitExceeded",
    },
    denied: {
      status: 403,
      type: "AccessDeniedException",
      message: "User: x is not authorized to perform: lambda:InvokeFunction",
    },
    failing: {
      status: 500,
      type: "ServiceException",
      message: "An error occurred and the request cannot be processed.",
    },
    gateway: { status: 503, message: "Slow down" },
    "bad-gateway": { gatewayStatus: 502, page: "<h1>Bad Gateway</h1>" },
    "gateway-timeout": { gatewayStatus: 504, page: "<h1>Gateway Timeout</h1>" },
    "of-lambda": { status: 502, type: "BrandNewException", message: "A mount failed." },
    "hang-up": "hang-up",
    "cut-off": "cut-off",
    silence: "silence",
  });
  const config = {
    region: "eu-west-1",
    endpoint: service.endpoint,
    credentials: { accessKeyId: "AKIATEST", secretAccessKey: "secret" },
    // What a runner may give every client, and what Invoke must not have.
    maxAttempts: 5,
    retryMode: "adaptive",
    requestHandler: { socketTimeout: 100 },
  };
  aws = (client) => new client(config as never);
});

beforeEach(() => {
  (service.received as unknown[]).length = 0;
});

afterAll(() => service.close());

describe("Invoke over HTTP", () => {
  it("sends the name, the payload and the wish for the log; no client context, no qualifier", async () => {
    const ctx = aContext({ aws });

    const step = await start(executor, ctx, { name: "ok" });

    expect(step).toEqual({ kind: "succeeded", outputs: { url: "https://pr-12" } });
    expect(ctx.reports).toEqual(["START", "hällo", "END"]);
    expect(service.received.map(({ path, body }) => ({ path, body }))).toEqual([
      { path: "/2015-03-31/functions/ok/invocations", body: '{"stackId":"pr-12","metadata":{"sha":"9f1c"}}' },
    ]);
    expect(service.received[0]?.headers).toMatchObject({
      "x-amz-invocation-type": "RequestResponse",
      "x-amz-log-type": "Tail",
    });
    expect(service.received[0]?.headers).not.toHaveProperty("x-amz-client-context");
  });

  it("puts an ARN with an alias into one part of the path", async () => {
    await start(executor, aContext({ aws }), { name: "arn:aws:lambda:eu-west-1:1:function:a/../b:live" });

    expect(service.received[0]?.path).toBe(
      "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Aa%2F..%2Fb%3Alive/invocations",
    );
  });

  it("waits longer than a runner's other clients would", async () => {
    expect(await start(executor, aContext({ aws }), { name: "slow" })).toEqual({ kind: "succeeded", outputs: {} });
    expect(service.received).toHaveLength(1);
  });

  it.each([
    ["broken", "LAMBDA_FUNCTION_ERROR", true, "KeyError: 'db'\n  File a"],
    ["huge", "LAMBDA_ANSWER_INVALID", false, "Function.ResponseSizeTooLarge: Response payload size exceeded"],
    ["timed-out", "LAMBDA_TIMED_OUT", false, "Task timed out after 3.00 seconds.\nRaise the function's timeout"],
    ["throttled", "LAMBDA_THROTTLED", true, "TooManyRequestsException: Rate Exceeded."],
    ["denied", "LAMBDA_ACCESS_DENIED", false, "not authorized to perform: lambda:InvokeFunction"],
    [
      "nowhere",
      "LAMBDA_NOT_FOUND",
      false,
      "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:nowhere",
    ],
    ["failing", "LAMBDA_UNAVAILABLE", true, "ServiceException: An error occurred"],
    ["gateway", "LAMBDA_UNAVAILABLE", true, "Slow down"],
    // caddy-lambda#4, aws-cli#8545, localstack#3217: what stands between gives up while the function works.
    ["bad-gateway", "LAMBDA_ANSWER_LOST", false, "Status 502 without an error of Lambda."],
    ["gateway-timeout", "LAMBDA_ANSWER_LOST", false, "Status 504 without an error of Lambda."],
    ["of-lambda", "LAMBDA_UNAVAILABLE", true, "A mount failed."],
    ["hang-up", "LAMBDA_ANSWER_LOST", false, "the function may still run"],
    ["cut-off", "LAMBDA_ANSWER_LOST", false, "the function may still run"],
  ])("calls once and reports what happened: %s", async (name, code, retryable, words) => {
    const step = await start(executor, aContext({ aws }), { name });

    expect(step).toMatchObject({ kind: "failed", code, retryable, message: expect.stringContaining(words) });
    expect(service.received).toHaveLength(1);
  });

  it("stops waiting when it is cancelled, and says that the function runs on", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort("cancel"), 100);

    const step = await start(executor, aContext({ aws, signal: controller.signal }), { name: "silence" });

    expect(step).toMatchObject({
      kind: "failed",
      code: "LAMBDA_CANCELLED",
      message: expect.stringContaining("run on"),
    });
  });

  it("reports a service without a listener", async () => {
    const nowhere: ExecutorContext["aws"] = (client) =>
      new client({
        region: "eu-west-1",
        endpoint: "http://127.0.0.1:9",
        credentials: { accessKeyId: "a", secretAccessKey: "b" },
      } as never);

    const step = await start(executor, aContext({ aws: nowhere }), { name: "ok" });

    expect(step).toMatchObject({ kind: "failed", code: "LAMBDA_UNAVAILABLE", retryable: true });
  });
});
