import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  findPayloadFault,
  MAX_REQUEST_BYTES,
  parseFunctionError,
  toErrorText,
  toOutputs,
  toPayload,
} from "./to-step.ts";

describe("toOutputs", () => {
  it("takes the top-level scalars of an object and keeps their types", () => {
    const payload = { url: "https://x", port: 0, ready: false, note: null, list: [1], map: { a: 1 } };

    expect(toOutputs(JSON.stringify(payload))).toEqual({
      outputs: { url: "https://x", port: 0, ready: false, note: null },
      leftOut: [],
    });
  });

  it.each(["", "null", "[1]", '"text"', "7", "{broken", "<html>"])("has none where the payload is %s", (payload) => {
    expect(toOutputs(payload)).toEqual({ outputs: {}, leftOut: [] });
  });

  it("takes 64 and names the others", () => {
    const payload = Object.fromEntries(Array.from({ length: 66 }, (_, index) => [`k${index}`, index]));
    const { outputs, leftOut } = toOutputs(JSON.stringify(payload));

    expect(Object.keys(outputs)).toHaveLength(64);
    expect(leftOut).toEqual(["k64", "k65"]);
  });

  it("leaves out what is too long and keeps what still fits", () => {
    expect(toOutputs(JSON.stringify({ log: "x".repeat(70_000), url: "u" }))).toEqual({
      outputs: { url: "u" },
      leftOut: ["log"],
    });
  });

  it("keeps __proto__ out", () => {
    const { outputs } = toOutputs('{"__proto__":"x","constructor":"y"}');

    expect(Object.entries(outputs)).toEqual([["constructor", "y"]]);
    expect(Object.getPrototypeOf(outputs)).toBe(Object.prototype);
  });

  it("never throws, and never returns more than 64 scalars", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (payload) => {
        const values = Object.values(toOutputs(payload).outputs);
        expect(values.length).toBeLessThanOrEqual(64);
        expect(values.every((value) => value === null || typeof value !== "object")).toBe(true);
      }),
    );
  });
});

const textOf = (payload: string): string => toErrorText(parseFunctionError(payload));
const json = (value: unknown): string => textOf(JSON.stringify(value));

describe("parseFunctionError", () => {
  it("reads Node's errors with their trace", () => {
    const trace = ["TypeError: no database", "    at handler (file:///var/task/index.mjs:3:9)"];

    expect(json({ errorType: "TypeError", errorMessage: "no database", trace })).toBe(trace.join("\n"));
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

  it("prints a message of several lines once, and keeps a trace that begins otherwise", () => {
    const error = { errorType: "Error", errorMessage: "no room\nfor it" };

    expect(json({ ...error, trace: ["Error: no room", "for it", "    at a"] })).toBe(
      "Error: no room\nfor it\n    at a",
    );
    expect(json({ ...error, trace: ["Error: no room", "    at a"] })).toBe(
      "Error: no room\nfor it\nError: no room\n    at a",
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
  ])("distinguishes a timeout of Lambda from an error with the same text: %j", (payload, timedOut) => {
    expect(parseFunctionError(JSON.stringify(payload)).timedOut).toBe(timedOut);
  });

  it.each([
    ["", "The function failed without a reason."],
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

  it("limits what it copies", () => {
    const trace = Array.from({ length: 5_000 }, () => "x".repeat(5_000));

    expect(json({ errorType: "E", errorMessage: "m".repeat(1_000_000), trace }).length).toBeLessThan(40_000);
  });

  it("never throws, whatever the input", () => {
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

const stack = { stackId: "pr-12", metadata: { size: 2, live: false, note: null } };

describe("toPayload", () => {
  it("holds the stack's id and metadata, in this order", () => {
    expect(toPayload(stack, { name: "f" })).toBe('{"stackId":"pr-12","metadata":{"size":2,"live":false,"note":null}}');
  });

  it("ends with the args where the task has some, empty ones included", () => {
    expect(toPayload(stack, { name: "f", args: { engine: { kind: "pg" } } })).toMatch(
      /,"args":\{"engine":\{"kind":"pg"\}\}\}$/,
    );
    expect(toPayload(stack, { name: "f", args: {} })).toMatch(/,"args":\{\}\}$/);
  });

  it.each([
    ["a list", [1]],
    ["a text", "x"],
    ["null", null],
  ])("has no args where they are %s", (_, args) => {
    expect(JSON.parse(toPayload(stack, { name: "f", args: args as never }))).toEqual(stack);
  });
});

describe("findPayloadFault", () => {
  it("lets the limit itself through", () => {
    expect(findPayloadFault("f", "x".repeat(MAX_REQUEST_BYTES))).toBeUndefined();
  });

  it("counts bytes, and names both numbers", () => {
    const payload = "ü".repeat(MAX_REQUEST_BYTES / 2 + 1);

    expect(findPayloadFault("f", payload)).toEqual({
      kind: "failed",
      code: "LAMBDA_PAYLOAD_TOO_LARGE",
      message:
        'The payload for "f" has 6291458 bytes, and Lambda takes 6291456. Put large values into S3 and pass their keys.',
      retryable: false,
    });
  });
});
