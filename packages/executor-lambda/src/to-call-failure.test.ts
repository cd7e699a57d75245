import * as sdk from "@aws-sdk/client-lambda";
import { describe, expect, it } from "vitest";
import { toCallFailure } from "./to-call-failure.ts";

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
  ])("tells %s as %s", (name, code, retryable) => {
    expect(toCallFailure("make-db", anError(name))).toMatchObject({ kind: "failed", code, retryable });
  });

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
    ["a name that nobody knows", { code: "ENOTFOUND" }, "LAMBDA_UNAVAILABLE"],
    ["a time-out of the connect", { code: "ETIMEDOUT", syscall: "connect" }, "LAMBDA_UNAVAILABLE"],
    ["a connection that was reset", { code: "ECONNRESET" }, "LAMBDA_ANSWER_LOST"],
    ["a silent socket", { name: "TimeoutError" }, "LAMBDA_ANSWER_LOST"],
    ["what it cannot tell", {}, "LAMBDA_ANSWER_LOST"],
  ])("parts what was never sent from an answer that was lost: %s", (_, given, code) => {
    expect(codeOf(anError("Error", given))).toBe(code);
  });

  it("takes what is no error", () => {
    expect(toCallFailure("make-db", "odd")).toEqual({
      kind: "failed",
      code: "LAMBDA_UNAVAILABLE",
      message: 'The call of "make-db" failed. odd\nLambda did not serve the call; try again.',
      retryable: true,
    });
  });

  it("tells a missing region", () => {
    expect(codeOf(new Error("Region is missing"))).toBe("LAMBDA_NOT_CONFIGURED");
  });
});
