import { StackyardError } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { anAwsError } from "../testing/a-fleet-world.ts";
import { endInTime, FleetError, toFleetFailure } from "./fleet-deps.ts";

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
  ])("maps %s to a code", (error, code, message) => {
    expect(toFleetFailure(error)).toEqual({ kind: "failed", code, message: expect.stringMatching(message) });
  });

  it("masks secrets in what was thrown", () => {
    const error = new Error("GET https://b.s3.amazonaws.com/k?X-Amz-Signature=abc failed, secretAccessKey=wJalr");

    expect(toFleetFailure(error).message).toBe(
      "GET https://b.s3.amazonaws.com/k?[redacted] failed, secretAccessKey=[redacted]",
    );
  });
});

const never = () => new Promise<never>(() => {});

describe("endInTime", () => {
  it("gives what the work gives, and throws what it throws", async () => {
    const { signal } = new AbortController();

    expect(await endInTime(signal, async () => 1)).toBe(1);
    await expect(endInTime(signal, () => Promise.reject(new Error("No.")))).rejects.toThrow("No.");
  });

  it("waits no longer than the signal lets it", async () => {
    const time = new AbortController();

    const ending = endInTime(time.signal, never);
    time.abort();

    await expect(ending).rejects.toMatchObject({ code: "FLEET_OUT_OF_TIME" });
  });

  it("does not wait when the time is over already", async () => {
    await expect(endInTime(AbortSignal.abort(), never)).rejects.toMatchObject({ code: "FLEET_OUT_OF_TIME" });
  });
});
