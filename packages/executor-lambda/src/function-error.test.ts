import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseFunctionError, toErrorText } from "./function-error.ts";

const textOf = (payload: string): string => toErrorText(parseFunctionError(payload));
const json = (value: unknown): string => textOf(JSON.stringify(value));

describe("parseFunctionError", () => {
  it("reads Node's errors with their trace", () => {
    const trace = ["TypeError: no database", "    at handler (file:///var/task/index.mjs:3:9)"];

    expect(json({ errorType: "TypeError", errorMessage: "no database", trace })).toBe(
      ["TypeError: no database", ...trace].join("\n"),
    );
  });

  it("reads Python's errors with their stackTrace", () => {
    const stackTrace = ['  File "/var/task/fn.py", line 4, in handler\n    return event["db"]\n'];

    expect(json({ errorMessage: "'db'", errorType: "KeyError", requestId: "5f", stackTrace })).toBe(
      'KeyError: \'db\'\n  File "/var/task/fn.py", line 4, in handler\n    return event["db"]',
    );
  });

  it("reads Go's frames", () => {
    const stackTrace = [{ path: "github.com/x/main.go", line: 12, label: "Handle" }];

    expect(json({ errorMessage: "boom", errorType: "errorString", stackTrace })).toBe(
      "errorString: boom\n    at Handle (github.com/x/main.go:12)",
    );
  });

  it("reads Python 2's frames", () => {
    const stackTrace = [["/var/task/fn.py", 4, "handler", "raise X"]];

    expect(json({ errorMessage: "boom", errorType: "X", stackTrace })).toBe(
      'X: boom\n["/var/task/fn.py",4,"handler","raise X"]',
    );
  });

  it("reads a trace that is one text", () => {
    expect(json({ errorType: "E", errorMessage: "m", stack: "a\n\nb" })).toBe("E: m\na\nb");
  });

  it.each([
    [{ errorMessage: "2020-11-10T05:46:57.874Z 160788cd Task timed out after 3.07 seconds" }, true],
    [{ errorType: "Sandbox.Timedout", errorMessage: "RequestId: 1 Error: Task timed out after 3.00 seconds" }, true],
    [{ errorType: "Error", errorMessage: "Task timed out after 3.00 seconds" }, false],
    [{ errorMessage: "The upstream timed out" }, false],
  ])("tells a time-out of Lambda from an error with its words: %j", (payload, timedOut) => {
    expect(parseFunctionError(JSON.stringify(payload)).timedOut).toBe(timedOut);
  });

  it.each([
    ["", "The function failed and told no reason."],
    ["null", "null"],
    ["{}", "{}"],
    ['"only a text"', "only a text"],
    ["[1,2]", "[1,2]"],
    ["<html>502</html>", "<html>502</html>"],
    ['{"errorType":"E","errorMes', '{"errorType":"E","errorMes'],
    ['{"message":"from a custom runtime"}', "from a custom runtime"],
    ['{"error":{"code":7}}', '{"code":7}'],
    ['{"errorType":"Runtime.ExitError"}', "Runtime.ExitError"],
    ['{"errorType":5,"errorMessage":{"a":1}}', '5: {"a":1}'],
  ])("makes the best of %s", (payload, text) => {
    expect(textOf(payload)).toBe(text);
  });

  it("bounds what it takes over", () => {
    const trace = Array.from({ length: 5_000 }, () => "x".repeat(5_000));

    expect(json({ errorType: "E", errorMessage: "m".repeat(1_000_000), trace }).length).toBeLessThan(40_000);
  });

  it("never throws, whatever comes", () => {
    const anything = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.json(),
      fc
        .record(
          {
            errorType: fc.jsonValue(),
            errorMessage: fc.jsonValue(),
            trace: fc.jsonValue(),
            stackTrace: fc.jsonValue(),
          },
          { requiredKeys: [] },
        )
        .map((value) => JSON.stringify(value)),
    );

    fc.assert(
      fc.property(anything, (payload) => {
        const text = textOf(payload);
        expect(text.trim()).not.toBe("");
        expect(text.length).toBeLessThan(50_000);
      }),
    );
  });
});
