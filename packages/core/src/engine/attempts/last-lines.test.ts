import { describe, expect, it } from "vitest";
import { failed } from "../../ports/executor.ts";
import { toLastLines } from "./last-lines.ts";

const fail = (message: string) => failed({ code: "LAMBDA_FUNCTION_ERROR", message, retryable: true });

describe("toLastLines", () => {
  it.each([
    ["Error: no room", "starting", "It failed. LAMBDA_FUNCTION_ERROR: Error: no room"],
    [
      "Error: no room\n    at handler",
      "Error: no room\n    at handler\n    at main",
      "It failed. LAMBDA_FUNCTION_ERROR",
    ],
    [
      "Error: exit status 7\nconnecting\ncannot reach the host",
      "starting\nconnecting\ncannot reach the host",
      "It failed. LAMBDA_FUNCTION_ERROR: Error: exit status 7",
    ],
    [
      "Error: exit status 7\ncannot reach the host\n\nCheck the network.",
      "cannot reach the host",
      "It failed. LAMBDA_FUNCTION_ERROR: Error: exit status 7\nCheck the network.",
    ],
  ])("repeats no line that the log has: %j after %j", (message, log, expected) => {
    expect(toLastLines(fail(message), "failed", log)).toBe(expected);
  });

  it.each([
    ["a part of a line", "Error: exit status 7\nfull", "the disk is full"],
    ["a line in the middle", "Error: exit status 7\none\ntwo", "one"],
    ["a bracket alone", 'The answer is invalid:\n{\n  "a": 1\n}', "{\n}"],
  ])("keeps %s", (_, message, log) => {
    expect(toLastLines(fail(message), "failed", log)).toBe(`It failed. LAMBDA_FUNCTION_ERROR: ${message}`);
  });

  it("names a cancel", () => {
    expect(toLastLines(fail("Ended."), "cancelled", "")).toBe(
      "It ended after the cancel. LAMBDA_FUNCTION_ERROR: Ended.",
    );
  });
});
