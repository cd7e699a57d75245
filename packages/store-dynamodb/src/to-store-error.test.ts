import { StackyardError } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { aServiceError } from "./testing/failing-client.ts";
import { isConditionFailure, isMissing, toStoreError } from "./to-store-error.ts";

describe("toStoreError", () => {
  it.each([
    ["ResourceNotFoundException", /README/],
    ["AccessDeniedException", /Grant the role/],
    ["ExpiredTokenException", /credentials are over/],
    ["ProvisionedThroughputExceededException", /on-demand/],
    ["SomethingNew", /SomethingNew/],
  ])("makes %s unavailable, with advice and the SDK's own as its cause", (name, text) => {
    const cause = aServiceError(name, "the service's words");
    const error = toStoreError(cause);

    expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true, cause });
    expect(error).toMatchObject({ message: expect.stringMatching(text) });
    expect(error).toMatchObject({ message: expect.stringContaining("the service's words") });
  });

  it("says what is too large", () => {
    const error = aServiceError("ValidationException", "Item size has exceeded the maximum allowed size");

    expect(toStoreError(error)).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  });

  it("takes sockets that fail for the store", () => {
    const error = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

    expect(toStoreError(error)).toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  it("leaves errors of ours and faults of the code as they are", () => {
    const errors = [new StackyardError("USAGE", "…"), new TypeError("x is undefined"), "text"];

    expect(errors.map(toStoreError)).toEqual(errors);
    const fault = aServiceError("ValidationException", "ExpressionAttributeValues must not be empty");
    expect(toStoreError(fault)).toBe(fault);
  });
});

describe("isConditionFailure and isMissing", () => {
  it("go by the name", () => {
    expect(isConditionFailure(aServiceError("ConditionalCheckFailedException"))).toBe(true);
    expect(isConditionFailure(aServiceError("ValidationException"))).toBe(false);
    expect(isMissing(aServiceError("ResourceNotFoundException"))).toBe(true);
    expect(isMissing("text")).toBe(false);
  });
});
