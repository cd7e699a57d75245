import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { defineExecutor, succeeded } from "./executor.ts";

describe("defineExecutor", () => {
  it.each([
    ["Script", 'Invalid executor name "Script".'],
    ["a\u0000b", "Invalid executor name"],
  ])("rejects the name %j", (name, message) => {
    const define = () => defineExecutor({ name, config: Type.Object({}), start: async () => succeeded({}) });

    expect(define).toThrow(
      expect.objectContaining({ code: "PLUGIN_INVALID", message: expect.stringContaining(message) }),
    );
  });
});
