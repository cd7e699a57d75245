import { StackyardError } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { anAwsError } from "../testing/a-fleet-world.ts";
import { FleetError, toFleetFailure } from "./fleet-error.ts";

describe("toFleetFailure", () => {
  it.each([
    [new FleetError({ code: "FLEET_OUT_OF_TIME", message: "late" }), "FLEET_OUT_OF_TIME", /^late$/],
    [new StackyardError("STORE_UNAVAILABLE", "gone"), "STORE_UNAVAILABLE", /^gone$/],
    [anAwsError("ThrottlingException"), "RATE_LIMITED", /ThrottlingException/],
    [anAwsError("AccessDeniedException", 403), "FORBIDDEN", /AccessDeniedException/],
    [anAwsError("SomethingElse", 500), "SERVER_ERROR", /SomethingElse/],
    [new TypeError("x is not a function"), "INTERNAL", /^x is not a function$/],
    ["thrown text", "INTERNAL", /^thrown text$/],
    [undefined, "INTERNAL", /^undefined$/],
  ])("tells %s under a code", (error, code, message) => {
    expect(toFleetFailure(error)).toEqual({ kind: "failed", code, message: expect.stringMatching(message) });
  });

  it("masks secrets in what was thrown", () => {
    const error = new Error("GET https://b.s3.amazonaws.com/k?X-Amz-Signature=abc failed, secretAccessKey=wJalr");

    expect(toFleetFailure(error).message).toBe(
      "GET https://b.s3.amazonaws.com/k?[redacted] failed, secretAccessKey=[redacted]",
    );
  });
});
