import { describe, expect, it } from "vitest";
import { toNotStarted } from "./local-errors.ts";

const errorOf = (code: string) => Object.assign(new Error(`spawn node ${code}`), { code });

describe("a program that cannot be started", () => {
  it.each(["EMFILE", "ENFILE", "EAGAIN", "ENOMEM"])("may be tried again after %s", (code) => {
    expect(toNotStarted("id", "node", errorOf(code))).toMatchObject({
      kind: "failed",
      code: "LAMBDA_UNAVAILABLE",
      retryable: true,
      message: expect.stringContaining(`The local function was not started: spawn node ${code}. `),
    });
  });

  it.each(["ENOENT", "EACCES"])("is the function's error after %s", (code) => {
    expect(toNotStarted("id", "node", errorOf(code))).toMatchObject({ functionError: "Unhandled" });
  });
});
