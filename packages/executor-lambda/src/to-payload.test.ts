import { describe, expect, it } from "vitest";
import { findPayloadFault, MAX_REQUEST_BYTES, toPayload } from "./to-payload.ts";

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
