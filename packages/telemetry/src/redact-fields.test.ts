import { describe, expect, it } from "vitest";
import { redactFields } from "./redact-fields.ts";

describe("redactFields", () => {
  it.each([
    "password",
    "dbPassword",
    "secret",
    "clientSecret",
    "token",
    "session_token",
    "apiKey",
    "SecretAccessKey",
    "authorization",
    "cookie",
  ])("hides a text under %s", (name) => {
    expect(redactFields({ [name]: "hunter2", deep: [{ [name]: ["hunter2"] }] })).toEqual({
      [name]: "[redacted]",
      deep: [{ [name]: ["[redacted]"] }],
    });
  });

  it("shows numbers and switches under such names: they count something", () => {
    expect(redactFields({ token: 3, secret: false })).toEqual({ token: 3, secret: false });
  });

  it("shows names that only look like it", () => {
    const fields = { exclusiveKey: "key:db", tokens: "3 of 4", stackId: "pr-12", secretary: "Ann" };

    expect(redactFields(fields)).toEqual(fields);
  });

  it("hides what its form gives away, in texts and in errors and their causes", () => {
    const url = "postgres://app:hunter2@db/app";
    const error = new Error(`no answer from ${url}`, { cause: new TypeError(url) });

    expect(JSON.stringify(redactFields({ url, error, at: new URL(url) }))).not.toContain("hunter2");
  });

  it("tells errors with code, stack and cause, and nothing else that they hold", () => {
    const error = Object.assign(new Error("denied"), { code: "FORBIDDEN", $response: { body: "secret" } });

    expect(redactFields({ error })).toEqual({
      error: { name: "Error", code: "FORBIDDEN", message: "denied", stack: expect.stringContaining("denied") },
    });
  });

  it("makes JSON of what is none", () => {
    const date = new Date(0);
    const fields = {
      big: 1n,
      date,
      map: new Map([["a", 1]]),
      set: new Set([1]),
      bytes: new Uint8Array(3),
      call() {},
      none: undefined,
    };

    expect(JSON.parse(JSON.stringify(redactFields(fields)))).toEqual({
      big: "1",
      date: "1970-01-01T00:00:00.000Z",
      map: { a: 1 },
      set: [1],
      bytes: "[3 bytes]",
    });
  });

  it("ends where a value holds itself, is too deep, too long or too many", () => {
    const own: Record<string, unknown> = {};
    own["self"] = own;
    const deep = Array.from({ length: 20 }).reduce<unknown>((inner) => ({ inner }), "end");

    expect(redactFields(own)).toEqual({ self: "[circular]" });
    expect(JSON.stringify(redactFields(deep))).toContain("[too deep]");
    expect(String(redactFields("x".repeat(20_000)))).toMatch(/^x{16384}… \(20000 characters\)$/);
    expect(redactFields(Array.from({ length: 120 }, () => 1))).toHaveLength(101);
  });

  it("shows a value twice that stands there twice", () => {
    const one = { a: 1 };

    expect(redactFields([one, one])).toEqual([one, one]);
  });
});
