import { StackyardError } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { toStackyardError } from "./to-stackyard-error.ts";

function anSdkError(name: string, httpStatusCode?: number): Error {
  return Object.assign(new Error("No."), { name, $metadata: { httpStatusCode } });
}

describe("toStackyardError", () => {
  it.each([
    ["AccessDenied", 403, "FORBIDDEN", false],
    ["KmsAccessDenied", 400, "FORBIDDEN", false],
    ["AuthorizationErrorException", 403, "FORBIDDEN", false],
    ["QueueDoesNotExist", 400, "CONFIG_INVALID", false],
    ["AWS.SimpleQueueService.NonExistentQueue", 400, "CONFIG_INVALID", false],
    ["NotFoundException", 404, "CONFIG_INVALID", false],
    ["NoSuchBucket", 404, "CONFIG_INVALID", false],
    ["BatchRequestTooLong", 400, "PAYLOAD_TOO_LARGE", false],
    ["RequestThrottled", 403, "RATE_LIMITED", true],
    ["ThrottlingException", 400, "RATE_LIMITED", true],
    ["SlowDown", 503, "RATE_LIMITED", true],
    ["Unknown", 429, "RATE_LIMITED", true],
    ["InvalidParameterValue", 400, "CONFIG_INVALID", false],
    ["InternalFailure", 500, "UNREACHABLE", true],
    ["TimeoutError", undefined, "UNREACHABLE", true],
    ["Error", undefined, "UNREACHABLE", true],
  ])("takes %s with %s for %s", (name, status, code, retryable) => {
    const cause = anSdkError(name, status);

    const error = toStackyardError(cause, "Sending to queue q");

    expect(error).toMatchObject({ code, retryable, cause });
    expect(error.message).toContain(`Sending to queue q failed with ${name}: No.`);
  });

  it.each([
    ["InvalidMessageContents", { refused: "message" }],
    ["InvalidParameterValueException", { refused: "message" }],
    ["InvalidAttributeValue", { refused: "message" }],
    ["QueueDoesNotExist", {}],
    ["InvalidAddress", {}],
    ["UnsupportedOperation", {}],
  ])("says with %s whether it is a message that is at fault", (name, details) => {
    expect(toStackyardError(anSdkError(name, 400), "Sending")).toMatchObject({ code: "CONFIG_INVALID", details });
  });

  it("leaves errors of ours as they are", () => {
    const error = new StackyardError("LEASE_LOST", "Gone.");

    expect(toStackyardError(error, "x")).toBe(error);
  });

  it("takes anything", () => {
    expect(toStackyardError("no", "Sending")).toMatchObject({ code: "UNREACHABLE" });
    expect(toStackyardError(undefined, "Sending").message).toContain("Sending failed with an error: undefined");
  });
});
