import { StackyardError } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { failWith, toFailure } from "./failure.ts";

describe("toFailure", () => {
  it.each([
    ["USAGE", 64],
    ["CONFIG_INVALID", 3],
    ["STORE_LOCKED", 3],
    ["UNREACHABLE", 3],
    ["TIMED_OUT", 4],
    ["OUTCOME_NEGATIVE", 1],
    ["STACK_UNKNOWN", 1],
    ["LEFT_BEHIND", 2],
    ["INTERRUPTED", 130],
  ] as const)("ends with the exit code of %s: %i", (code, exitCode) => {
    expect(toFailure(new StackyardError(code, "No."))).toMatchObject({ code, exitCode, message: "No." });
  });

  it("takes the hint of the error before the code's own", () => {
    expect(toFailure(failWith("UNREACHABLE", "No.", { hint: "Do this." })).hint).toBe("Do this.");
    expect(toFailure(failWith("UNREACHABLE", "No.")).hint).toContain("stackyard dev");
  });

  it("names the variables of a proxy where Node uses one", () => {
    const unreachable = failWith("UNREACHABLE", "No.");

    expect(toFailure(unreachable, { NODE_USE_ENV_PROXY: "1" }).hint).toMatch(/stackyard dev.*NO_PROXY/);
    const ofTls = failWith("UNREACHABLE", "No.", { hint: "This port speaks HTTP." });
    expect(toFailure(ofTls, { NODE_USE_ENV_PROXY: "1" }).hint).toMatch(/speaks HTTP.*NO_PROXY/);
    expect(toFailure(unreachable, { HTTP_PROXY: "http://proxy:3128" }).hint).not.toContain("NO_PROXY");
  });

  it("gives no hint on our server where AWS has refused, whose error says what to do", () => {
    const details = { awsError: "CredentialsProviderError" };

    expect(toFailure(new StackyardError("UNAUTHENTICATED", "No credentials.", { details }))).toEqual({
      exitCode: 3,
      code: "UNAUTHENTICATED",
      message: "No credentials.",
    });
  });

  it("could not start where the system refuses", () => {
    const error = Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" });

    expect(toFailure(error)).toMatchObject({
      exitCode: 3,
      code: "EACCES",
      message: "permission denied",
      hint: expect.stringContaining("permissions"),
    });
  });

  it("knows an installation that was interrupted", () => {
    const error = Object.assign(new Error("Cannot find package 'hono'"), { code: "ERR_MODULE_NOT_FOUND" });

    expect(toFailure(error)).toMatchObject({ exitCode: 3, hint: expect.stringContaining("install again") });
  });

  it.each(["ELOOP", "EIO"])("could not start where a system call fails with %s", (code) => {
    const error = Object.assign(new Error(`${code}: no, stat '/x'`), { code, errno: -40, syscall: "stat" });

    expect(toFailure(error)).toMatchObject({ exitCode: 3, code, message: "no, stat '/x'" });
  });

  it("calls anything else a fault of ours", () => {
    expect(toFailure(new TypeError("x is undefined"))).toMatchObject({ code: "INTERNAL", exitCode: 3 });
    expect(toFailure("text")).toMatchObject({ code: "INTERNAL", message: "text" });
  });
});
