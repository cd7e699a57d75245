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

  it("takes no longer for a text of many lines than to read it", () => {
    const lines = Array.from({ length: 20_000 }, (_, line) => `line ${line}`);
    const began = performance.now();

    const text = toLastLines(
      fail(["It ended.", "first", ...lines].join("\n")),
      "failed",
      lines.slice(-4_000).join("\n"),
    );

    expect(text.split("\n").slice(-1)).toEqual(["line 15999"]);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it("names a cancel", () => {
    expect(toLastLines(fail("Ended."), "cancelled", "")).toBe(
      "It ended after the cancel. LAMBDA_FUNCTION_ERROR: Ended.",
    );
  });
});
