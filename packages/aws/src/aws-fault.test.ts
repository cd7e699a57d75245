import { connectionReset, SimFault } from "@stackyard/aws-sim";
import { StackyardError } from "@stackyard/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findAwsFault, redactText, toAnswer, toAwsError } from "./aws-fault.ts";

const named = (name: string): Error => Object.assign(new Error("why"), { name });

describe("findAwsFault", () => {
  it.each([
    [new SimFault("Throttling", 400, "Rate exceeded"), "passing", "RATE_LIMITED"],
    [new SimFault("SlowDown", 503, "x"), "passing", "RATE_LIMITED"],
    [new SimFault("Whatever", 429, "x"), "passing", "RATE_LIMITED"],
    [new SimFault("Odd", 400, "x", { $retryable: { throttling: true } }), "passing", "RATE_LIMITED"],
    // dagster-io/dagster#33439
    [
      new SimFault(
        "InvalidParameterException",
        400,
        "Error retrieving subnet information for [subnet-1]: Rate exceeded (ErrorCode: Throttling)",
      ),
      "passing",
      "RATE_LIMITED",
    ],
    // aws/aws-sdk-go#1727, serverless/serverless#5142, aws-cloudformation/cloudformation-coverage-roadmap#835
    [
      new SimFault(
        "InvalidParameterValueException",
        400,
        "Your request has been throttled by EC2, please make sure you have enough API rate limit. EC2 Error Code: RequestLimitExceeded.",
      ),
      "passing",
      "RATE_LIMITED",
    ],
    [new SimFault("AccessDenied", 400, "Rate exceeded"), "refused", "FORBIDDEN"],
    [new SimFault("InternalError", 500, "x"), "passing", "UNREACHABLE"],
    [new SimFault("NeverHeardOf", 502, "x"), "passing", "SERVER_ERROR"],
    [connectionReset(), "passing", "UNREACHABLE"],
    [new Error("wrapped", { cause: connectionReset() }), "passing", "UNREACHABLE"],
    [named("TimeoutError"), "passing", "UNREACHABLE"],
    [new SimFault("ConditionalRequestConflict", 409, "x"), "passing", "RECORD_CONFLICT"],
    [new SimFault("PreconditionFailed", 412, "x"), "refused", "RECORD_CONFLICT"],
    [new SimFault("NoSuchKey", 404, "x"), "gone", "NOT_FOUND"],
    [new SimFault("ResourceNotFoundException", 400, "x"), "gone", "NOT_FOUND"],
    [new SimFault("ClusterNotFoundException", 400, "x"), "gone", "CONFIG_INVALID"],
    [new SimFault("QueueDoesNotExist", 400, "x"), "gone", "CONFIG_INVALID"],
    [new SimFault("AWS.SimpleQueueService.NonExistentQueue", 400, "x"), "gone", "CONFIG_INVALID"],
    [new SimFault("InvalidInstanceID.NotFound", 400, "x"), "gone", "CONFIG_INVALID"],
    [new SimFault("InvalidParameterException", 400, "The referenced task was not found."), "gone", "CONFIG_INVALID"],
    [new SimFault("ValidationError", 400, "AutoScalingGroup name not found"), "gone", "CONFIG_INVALID"],
    [new SimFault("ValidationError", 400, "Stack with id x does not exist"), "gone", "CONFIG_INVALID"],
    [new SimFault("OddNotFound", 403, "x"), "refused", "FORBIDDEN"],
    [new SimFault("OddNotFound", 503, "x"), "passing", "SERVER_ERROR"],
    [new SimFault("ScalingActivityInProgress", 400, "x"), "passing", "RECORD_CONFLICT"],
    [new SimFault("ServerException", 500, "x"), "passing", "UNREACHABLE"],
    [new SimFault("ValidationException", 400, "x"), "refused", "CONFIG_INVALID"],
    [new SimFault("RequestTooLargeException", 413, "x"), "refused", "PAYLOAD_TOO_LARGE"],
    [new SimFault("FilterPolicyLimitExceeded", 403, "x"), "refused", "CONFIG_INVALID"],
    [new SimFault("AccessDenied", 403, "x"), "refused", "FORBIDDEN"],
    [new SimFault("OddDenial", 403, "x"), "refused", "FORBIDDEN"],
    [new SimFault("ExpiredTokenException", 400, "x"), "refused", "UNAUTHENTICATED"],
    [new SimFault("InvalidClientTokenId", 403, "x"), "refused", "UNAUTHENTICATED"],
    [named("CredentialsProviderError"), "refused", "UNAUTHENTICATED"],
    [named("AbortError"), "unknown", "INTERRUPTED"],
    [new Error("Region is missing"), "refused", "CONFIG_INVALID"],
    [new TypeError("x is not a function"), "unknown", "INTERNAL"],
    ["thrown text", "unknown", "INTERNAL"],
  ])("judges %s", (error, answer, code) => {
    expect(findAwsFault(error)).toMatchObject({ answer, code, throttled: code === "RATE_LIMITED" });
  });

  it("goes by the code of an error of ours", () => {
    expect(findAwsFault(new StackyardError("UNREACHABLE", "x"))).toMatchObject({
      answer: "passing",
      code: "UNREACHABLE",
    });
  });
});

describe("toAnswer", () => {
  const expired = new SimFault("ExpiredToken", 400, "x");

  it("goes by the policy of the caller, in our codes and in names of AWS, before the common rule", () => {
    expect(toAnswer(expired)).toBe("refused");
    expect(toAnswer(expired, { passing: ["UNAUTHENTICATED"] })).toBe("passing");
    expect(toAnswer(new SimFault("BucketNotEmpty", 409, "x"), { passing: ["BucketNotEmpty"] })).toBe("passing");
    expect(toAnswer(new SimFault("AccessDenied", 403, "x"), { passing: ["UNAUTHENTICATED"] })).toBe("refused");
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
      details: { awsError: "AccessDenied", answer: "refused", requestId: "r-1" },
      cause,
    });
  });

  it("has specific advice for common errors", () => {
    expect(toAwsError(new SimFault("Throttling", 400, "Rate exceeded"), "No.").message).toBe(
      "No. Throttling: Rate exceeded. Try again later with fewer simultaneous calls.",
    );
  });

  it("shows no secret that the SDK's message holds", () => {
    const error = toAwsError(new Error("GET https://b.s3.amazonaws.com/k?X-Amz-Signature=abc failed"), "No.");

    expect(error.message).toBe("No. GET https://b.s3.amazonaws.com/k?[redacted] failed.");
  });

  it("returns an error of ours unchanged", () => {
    const error = new StackyardError("CONFIG_INVALID", "x");

    expect(toAwsError(error, "No.")).toBe(error);
  });
});

const presigned =
  "https://b.s3.eu-west-1.amazonaws.com/k/a.zip?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAX%2F20260101%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=900&X-Amz-Security-Token=IQoJb3&X-Amz-Signature=5f0c&X-Amz-SignedHeaders=host";

describe("redactText", () => {
  it.each([
    [`GET ${presigned} failed`, "GET https://b.s3.eu-west-1.amazonaws.com/k/a.zip?[redacted] failed"],
    [`{"url":"${presigned}"}`, '{"url":"https://b.s3.eu-west-1.amazonaws.com/k/a.zip?[redacted]"}'],
    [
      "https://b.s3.amazonaws.com/k?AWSAccessKeyId=AKIA&Expires=1&Signature=abc%2B",
      "https://b.s3.amazonaws.com/k?[redacted]",
    ],
    ["x-amz-security-token: IQoJb3JpZ2", "x-amz-security-token: [redacted]"],
    ["tail of a URL: &X-Amz-Signature=5f0c&X=1", "tail of a URL: &X-Amz-Signature=[redacted]&X=1"],
    [
      "authorization: AWS4-HMAC-SHA256 Credential=AKIA/2026/x, SignedHeaders=host, Signature=ab",
      "authorization: AWS4-HMAC-SHA256 [redacted]",
    ],
    ["postgres://yard:p%40ss@db:5432/yard", "postgres://yard:[redacted]@db:5432/yard"],
    ['{"username":"u","password":"a \\"b\\" c","host":"h"}', '{"username":"u","password":"[redacted]","host":"h"}'],
    ["AWS_SECRET_ACCESS_KEY=wJalr/x AWS_REGION=eu", "AWS_SECRET_ACCESS_KEY=[redacted] AWS_REGION=eu"],
    ["SecretAccessKey: abc, SessionToken: def", "SecretAccessKey: [redacted], SessionToken: [redacted]"],
  ])("of %j is %j", (text, expected) => {
    expect(redactText(text)).toBe(expected);
  });

  it.each(["https://example.com/path?state=RUN&page=2", "The password is wrong.", "s3://bucket/key", "Signature"])(
    "does not change %j",
    (text) => {
      expect(redactText(text)).toBe(text);
    },
  );

  it("changes nothing that it has made", () => {
    fc.assert(fc.property(fc.string(), (text) => redactText(redactText(text)) === redactText(text)));
  });
});
