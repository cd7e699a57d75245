import { StackyardError } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createJsonLogger, type JsonLoggerInput, redactFields } from "./json-logger.ts";

function createLog(input: Partial<JsonLoggerInput> = {}) {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const logger = createJsonLogger({
    service: "state-manager",
    level: "debug",
    clock: createFakeClock(),
    write,
    ...input,
  });
  return { lines, logger, parsed: () => lines.map((line) => JSON.parse(line)) };
}

const head = { time: "2026-01-01T00:00:00.000Z", level: "info", service: "state-manager" };

describe("the logger", () => {
  it("writes a line of JSON with what it is given", () => {
    const { lines, logger, parsed } = createLog();

    logger.info("An event was applied.", { stackId: "pr-12" });

    expect(parsed()).toEqual([{ ...head, message: "An event was applied.", stackId: "pr-12" }]);
    expect(lines[0]?.endsWith("}\n")).toBe(true);
  });

  it("omits lines below the configured level", () => {
    const { logger, parsed } = createLog({ level: "warn" });

    for (const level of ["debug", "info", "warn", "error"] as const) logger[level](level);

    expect(parsed().map(({ message }) => message)).toEqual(["warn", "error"]);
  });

  it("writes errors with their code and cause", () => {
    const { logger, parsed } = createLog();
    const error = new StackyardError("STORE_UNAVAILABLE", "no answer", { cause: new TypeError("socket") });

    logger.error("It failed.", { error });

    expect(parsed()).toMatchObject([
      { error: { code: "STORE_UNAVAILABLE", message: "no answer", cause: { name: "TypeError", message: "socket" } } },
    ]);
  });

  it("adds what is true of the moment; the line's own fields win", () => {
    const { logger, parsed } = createLog({ fields: () => ({ traceId: "t", stackId: "pr-1" }) });

    logger.info("It continues.", { stackId: "pr-2" });

    expect(parsed()).toMatchObject([{ traceId: "t", stackId: "pr-2" }]);
  });

  it("lets no field change when, where and how severe", () => {
    const { logger, parsed } = createLog();

    logger.info("It is so.", { level: "error", service: "x", time: "never", message: "no" });

    expect(parsed()).toEqual([{ ...head, message: "It is so." }]);
  });

  it("writes one line for texts of several, and hides secrets in the message too", () => {
    const { lines, logger } = createLog();

    logger.info("One\ntwo at postgres://app:hunter2@db", { text: "a\nb" });

    expect(lines).toHaveLength(1);
    expect(lines[0]?.split("\n")).toHaveLength(2);
    expect(lines[0]).not.toContain("hunter2");
  });

  it("lists the fields of a line that was too long", () => {
    const { lines, logger, parsed } = createLog();

    logger.info("Much.", { rows: Array.from({ length: 100 }, () => "x".repeat(10_000)), stackId: "pr-12" });

    expect(lines[0]?.length).toBeLessThan(1_000);
    expect(parsed()).toMatchObject([{ message: "Much.", fields: ["rows", "stackId"] }]);
  });

  it("is not stopped by a value that cannot be read", () => {
    const { logger, parsed } = createLog();
    const hostile = {
      get value(): never {
        throw new TypeError("no");
      },
    };

    logger.info("It continues.", { hostile });

    expect(parsed()).toEqual([{ ...head, message: "It continues.", unreadable: "TypeError: no" }]);
  });
});

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

  it("writes errors with code, stack and cause, without their other properties", () => {
    const error = Object.assign(new Error("denied"), { code: "FORBIDDEN", $response: { body: "secret" } });

    expect(redactFields({ error })).toEqual({
      error: { name: "Error", code: "FORBIDDEN", message: "denied", stack: expect.stringContaining("denied") },
    });
  });

  it("converts values that JSON lacks", () => {
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

  it("writes a value twice that occurs twice", () => {
    const one = { a: 1 };

    expect(redactFields([one, one])).toEqual([one, one]);
  });
});
