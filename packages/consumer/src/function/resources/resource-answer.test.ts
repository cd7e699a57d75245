import { StackyardError } from "@stackyard/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { refusal, toAnswer, toFailure, wasNeverMade } from "./resource-answer.ts";

const REQUEST = {
  RequestType: "Create",
  RequestId: "r-1",
  StackId: "stack",
  LogicalResourceId: "Bucket",
  ResponseURL: "",
  ResourceProperties: {},
};

describe("a failure", () => {
  it("of a creation has an id whose deletion does nothing", () => {
    const { physicalId } = toFailure(REQUEST, new Error("no"));

    expect(wasNeverMade({ ...REQUEST, PhysicalResourceId: physicalId })).toBe(true);
    expect(wasNeverMade({ ...REQUEST, PhysicalResourceId: "own-bucket" })).toBe(false);
    expect(wasNeverMade(REQUEST)).toBe(false);
  });

  it("of an update keeps the id, so that nothing is deleted", () => {
    expect(toFailure({ ...REQUEST, PhysicalResourceId: "own-bucket" }, new Error("no")).physicalId).toBe("own-bucket");
  });

  it.each([
    [refusal("BUCKET_FOREIGN", "No."), "BUCKET_FOREIGN: No."],
    [new StackyardError("FORBIDDEN", "No."), "FORBIDDEN: No."],
    [new Error("at https://host/key?secret"), "INTERNAL: at https://host/key"],
    ["text", "INTERNAL: unknown"],
  ])("says by code what it was: %s", (error, reason) => {
    expect(toFailure(REQUEST, error)).toMatchObject({ status: "FAILED", reason, data: { Message: reason } });
  });

  it("is answered in 4,096 bytes, whatever it says and whoever asks", () => {
    const id = (maxLength: number) => fc.string({ unit: "grapheme-ascii", minLength: maxLength, maxLength });
    const ids = {
      RequestId: id(128),
      StackId: fc.stringMatching(/^[a-z:/-]{512}$/),
      LogicalResourceId: fc.stringMatching(/^\w{255}$/),
    };
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 6_000 }),
      fc.string({ minLength: 5_000, maxLength: 6_000 }),
    );
    fc.assert(
      fc.property(fc.record(ids), text, (given, message) => {
        const request = { ...REQUEST, ...given, PhysicalResourceId: "p".repeat(1_024) };
        const answer = toAnswer(request, toFailure(request, new Error(message)));

        expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThanOrEqual(4_096);
        expect(answer).toMatchObject(given);
      }),
      { numRuns: 60 },
    );
  });
});
