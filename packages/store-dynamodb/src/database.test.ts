import { StackyardError } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { createSerializer, fromItem, isConditionFailure, isMissing, toItem, toStoreError } from "./database.ts";
import { aServiceError } from "./testing/failing-client.ts";

describe("toItem", () => {
  it("keeps plain values so that people and conditions can read them", () => {
    expect(toItem({ text: "né ✓", number: -1.5, yes: true, nothing: undefined })).toEqual({
      text: { S: "né ✓" },
      number: { N: "-1.5" },
      yes: { BOOL: true },
    });
  });

  it("writes short lists and maps as JSON that can be read in the console", () => {
    expect(toItem({ list: [1, null] })).toEqual({ list: { M: { json: { S: "[1,null]" } } } });
  });

  it("packs what is long, so that what repeats itself takes little room", () => {
    const long = toItem({ list: Array.from({ length: 100 }, () => "the same words again and again") });

    expect(long["list"]?.M?.["deflated"]?.B?.byteLength).toBeLessThan(100);
  });
});

describe("fromItem", () => {
  it.each<[unknown, string]>([
    ["", "text"],
    ["x".repeat(5000), "a long text"],
    ["\ud800", "half a character"],
    ["a\u0000b", "control characters"],
    [0, "zero"],
    [1.5e300, "a large number"],
    [false, "no"],
    [null, "nothing"],
    [{ constructor: "x", "": [{}] }, "a map"],
    [Array.from({ length: 2000 }, (_, index) => index), "a long list"],
  ])("gives back what was written: %j (%s)", (value) => {
    expect(fromItem(toItem({ value }))).toEqual({ value });
  });

  it("names an attribute that cannot be read", () => {
    expect(() => fromItem({ outbox: { M: { json: { S: "{" } } } })).toThrow(/"outbox"/);
    expect(() => fromItem({ outbox: { M: {} } })).toThrow(expect.objectContaining({ code: "STORE_CORRUPT" }));
  });
});

describe("createSerializer", () => {
  it("runs calls of one key one after the other, and those of others meanwhile", async () => {
    const serialize = createSerializer();
    const seen: string[] = [];
    const run = (name: string) => async () => {
      seen.push(`${name} begins`);
      await Promise.resolve();
      seen.push(`${name} ends`);
    };

    await Promise.all([serialize("a", run("a1")), serialize("a", run("a2")), serialize("b", run("b"))]);

    expect(seen.indexOf("a1 ends")).toBeLessThan(seen.indexOf("a2 begins"));
    expect(seen.indexOf("b begins")).toBeLessThan(seen.indexOf("a1 ends"));
  });

  it("continues after a failed call", async () => {
    const serialize = createSerializer();
    const failed = serialize("a", () => Promise.reject(new Error("no")));

    expect(await serialize("a", async () => 1)).toBe(1);
    await expect(failed).rejects.toThrow("no");
  });
});

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
