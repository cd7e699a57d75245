import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toPluginOutput } from "./play-command.ts";

describe("a plugin's output", () => {
  it("holds both streams", () => {
    expect(toPluginOutput("out", "")).toBe("out");
    expect(toPluginOutput("out", "err")).toBe("out\n----------ERROR-------\nerr");
  });

  it("is cut at 2,500 characters and says so", () => {
    expect(toPluginOutput("x".repeat(2_500), "")).toBe("x".repeat(2_500));
    expect(toPluginOutput("x".repeat(2_501), "")).toMatch(/^x+\n---Output truncated---$/);
    expect(toPluginOutput("x".repeat(9_000), "e".repeat(9_000))).toMatch(
      /^x+\n---Output truncated---\n----------ERROR-------\ne+\n---Error truncated----$/,
    );
  });

  it("is never longer", () => {
    const length = fc.nat({ max: 6_000 });
    fc.assert(
      fc.property(length, length, (out, error) => {
        expect(toPluginOutput("x".repeat(out), "e".repeat(error)).length).toBeLessThanOrEqual(2_500);
      }),
    );
  });
});
