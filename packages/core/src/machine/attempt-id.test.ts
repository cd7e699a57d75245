import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attemptIdOf, idempotencyKeyOf, parseAttemptId } from "./attempt-id.ts";

const parts = { stackId: "pr/12", incarnation: "0", entry: 3, task: "make db", attempt: 2 };

describe("attemptIdOf", () => {
  it("encodes each of the five parts and joins them by slashes", () => {
    expect(attemptIdOf(parts)).toBe("pr%2F12/0/3/make%20db/2");
  });

  it("does not fail for half a surrogate pair", () => {
    expect(attemptIdOf({ ...parts, task: "\ud800" })).toBe("pr%2F12/0/3/%EF%BF%BD/2");
  });
});

describe("parseAttemptId", () => {
  it("gives back the parts of any id", () => {
    const text = fc.string({ minLength: 1, unit: "binary" });
    fc.assert(
      fc.property(text, text, fc.nat(), text, fc.nat(), (stackId, incarnation, entry, task, attempt) => {
        const input = { stackId, incarnation, entry, task, attempt };

        expect(parseAttemptId(attemptIdOf(input))).toEqual(input);
      }),
    );
  });

  it.each([
    "",
    "a/b/1/t",
    "a/b/1/t/1/x",
    "a/b/x/t/1",
    "a/b/1/t/01",
    "a/b/1/t/",
    "/b/1/t/1",
    "a//1/t/1",
    "a/b/1//1",
    "%/b/1/t/1",
  ])("finds nothing in %j", (text) => {
    expect(parseAttemptId(text)).toBeUndefined();
  });
});

const KEY = "aef0b7bb35c6d06fc2313d9f5fdc53b0";

describe("idempotencyKeyOf", () => {
  it("is the first half of the SHA-256 of the parts, joined by U+0000", () => {
    expect(idempotencyKeyOf({ stackId: "pr-12", incarnation: "e1", entry: 1, task: "db", attempt: 1 })).toBe(KEY);
  });

  it("differs between parts that look alike when they are joined", () => {
    const other = { ...parts, stackId: "pr/12/0", incarnation: "3" };

    expect(idempotencyKeyOf(other)).not.toBe(idempotencyKeyOf(parts));
  });
});
