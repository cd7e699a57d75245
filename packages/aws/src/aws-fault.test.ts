import { connectionReset, SimFault } from "@stackyard/aws-sim";
import { StackyardError } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { findAwsFault, toAwsError } from "./aws-fault.ts";

const named = (name: string): Error => Object.assign(new Error("why"), { name });

describe("findAwsFault", () => {
  it.each([
    [new SimFault("Throttling", 400, "Rate exceeded"), "retryable", "RATE_LIMITED"],
    [new SimFault("SlowDown", 503, "x"), "retryable", "RATE_LIMITED"],
    [new SimFault("Whatever", 429, "x"), "retryable", "RATE_LIMITED"],
    [new SimFault("Odd", 400, "x", { $retryable: { throttling: true } }), "retryable", "RATE_LIMITED"],
    [new SimFault("InternalError", 500, "x"), "retryable", "UNREACHABLE"],
    [new SimFault("NeverHeardOf", 502, "x"), "retryable", "SERVER_ERROR"],
    [connectionReset(), "retryable", "UNREACHABLE"],
    [new Error("wrapped", { cause: connectionReset() }), "retryable", "UNREACHABLE"],
    [named("TimeoutError"), "retryable", "UNREACHABLE"],
    [new SimFault("ConditionalRequestConflict", 409, "x"), "retryable", "RECORD_CONFLICT"],
    [new SimFault("PreconditionFailed", 412, "x"), "caller", "RECORD_CONFLICT"],
    [new SimFault("NoSuchKey", 404, "x"), "caller", "NOT_FOUND"],
    [new SimFault("ResourceNotFoundException", 400, "x"), "caller", "NOT_FOUND"],
    [new SimFault("ValidationException", 400, "x"), "caller", "CONFIG_INVALID"],
    [new SimFault("RequestTooLargeException", 413, "x"), "caller", "PAYLOAD_TOO_LARGE"],
    [new SimFault("AccessDenied", 403, "x"), "fatal", "FORBIDDEN"],
    [new SimFault("OddDenial", 403, "x"), "fatal", "FORBIDDEN"],
    [new SimFault("ExpiredTokenException", 400, "x"), "fatal", "UNAUTHENTICATED"],
    [new SimFault("InvalidClientTokenId", 403, "x"), "fatal", "UNAUTHENTICATED"],
    [named("CredentialsProviderError"), "fatal", "UNAUTHENTICATED"],
    [named("AbortError"), "fatal", "INTERRUPTED"],
    [new Error("Region is missing"), "fatal", "CONFIG_INVALID"],
    [new TypeError("x is not a function"), "fatal", "INTERNAL"],
    ["thrown text", "fatal", "INTERNAL"],
  ])("judges %s", (error, kind, code) => {
    expect(findAwsFault(error)).toMatchObject({ kind, code, throttled: code === "RATE_LIMITED" });
  });

  it("goes by the code of an error of ours", () => {
    expect(findAwsFault(new StackyardError("UNREACHABLE", "x"))).toMatchObject({
      kind: "retryable",
      code: "UNREACHABLE",
    });
  });
});

describe("toAwsError", () => {
  it("says what failed, what AWS said and what to do, and keeps the cause", () => {
    const cause = new SimFault("AccessDenied", 403, "User is not authorized");
    Object.assign(cause.$metadata, { requestId: "r-1" });

    const error = toAwsError(cause, "The bucket cannot be listed.", "Allow s3:ListBucket.");

    expect(error).toMatchObject({
      code: "FORBIDDEN",
      message: "The bucket cannot be listed. AccessDenied: User is not authorized. Allow s3:ListBucket.",
      details: { awsError: "AccessDenied", kind: "fatal", requestId: "r-1" },
      cause,
    });
  });

  it("has advice of its own for what everybody meets", () => {
    expect(toAwsError(new SimFault("Throttling", 400, "Rate exceeded"), "No.").message).toBe(
      "No. Throttling: Rate exceeded. Try again later, with fewer calls at a time.",
    );
  });

  it("shows no secret that the SDK's message holds", () => {
    const error = toAwsError(new Error("GET https://b.s3.amazonaws.com/k?X-Amz-Signature=abc failed"), "No.");

    expect(error.message).toBe("No. GET https://b.s3.amazonaws.com/k?[redacted] failed.");
  });

  it("leaves an error of ours as it is", () => {
    const error = new StackyardError("CONFIG_INVALID", "x");

    expect(toAwsError(error, "No.")).toBe(error);
  });
});
