import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toOutputs } from "./to-outputs.ts";

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

  it("leaves out what is too long and takes what still fits", () => {
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

  it("never throws, and never gives more than 64 scalars", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (payload) => {
        const values = Object.values(toOutputs(payload).outputs);
        expect(values.length).toBeLessThanOrEqual(64);
        expect(values.every((value) => value === null || typeof value !== "object")).toBe(true);
      }),
    );
  });
});
