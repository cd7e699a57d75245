import { describe, expect, it } from "vitest";
import { toCallFailure } from "./call-failure.ts";
import { createLogTail } from "./log-tail.ts";

const aTail = (...lines: string[]) => {
  const tail = createLogTail(65_536);
  for (const line of lines) tail.add(line);
  return tail;
};
const anError = (given = {}) => ({ severity: "error", summary: "Wrong", detail: "Very.", ...given });
const failureOf = (given: { end?: object; diagnostics?: ReturnType<typeof anError>[] } = {}) =>
  toCallFailure({
    command: "terraform apply",
    code: "TERRAFORM_APPLY_FAILED",
    mask: (text) => text.replaceAll("secret", "***"),
    diagnostics: given.diagnostics ?? [],
    end: { code: 1, signal: null, stopped: false, tail: aTail("one", "two"), ...given.end },
  }).step;

describe("toCallFailure", () => {
  it("says all errors once, with place, and no warnings", () => {
    const diagnostics = [
      anError({ severity: "warning", summary: "Old" }),
      ...[anError({ place: "main.tf:3" }), anError({ detail: "a secret" }), anError({ detail: "a secret" })],
    ];

    expect(failureOf({ diagnostics })).toEqual({
      kind: "failed",
      code: "TERRAFORM_APPLY_FAILED",
      message: "terraform apply ended with exit code 1.\n\nerror: Wrong (main.tf:3)\nVery.\n\nerror: Wrong\na ***",
      retryable: true,
    });
  });

  it("shows the end of the output when the program named no error", () => {
    expect(failureOf({ end: { code: null, signal: "SIGKILL" } }).message).toBe(
      "terraform apply was ended by SIGKILL.\n\none\ntwo",
    );
  });

  it("tells a lock and a stop from a failure", () => {
    const locked = failureOf({ diagnostics: [anError({ summary: "Error acquiring the state lock" })] });
    const stopped = failureOf({ diagnostics: [anError()], end: { stopped: true } });

    expect([locked, stopped].map(({ code, retryable }) => [code, retryable])).toEqual([
      ["TERRAFORM_STATE_LOCKED", true],
      ["TERRAFORM_CANCELLED", false],
    ]);
  });

  it("is bounded", () => {
    const diagnostics = Array.from({ length: 100 }, (_, index) => anError({ detail: `${index} ${"ä".repeat(1000)}` }));

    expect(Buffer.byteLength(failureOf({ diagnostics }).message)).toBeLessThanOrEqual(65_536);
  });
});
