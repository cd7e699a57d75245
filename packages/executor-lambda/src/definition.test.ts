import { Value } from "typebox/value";
import { describe, expect, it } from "vitest";
import { LambdaConfig, LambdaOutputs, lambdaDefinition } from "./definition.ts";

describe("LambdaConfig", () => {
  it.each([
    [{ name: "make-db" }, true],
    [{ name: "make-db", args: {} }, true],
    [{ name: "make-db", args: { a: [{ b: null }] } }, true],
    [{ name: "" }, false],
    [{}, false],
    [{ name: 7 }, false],
    [{ name: "make-db", args: [] }, false],
    [{ name: "make-db", args: "x" }, false],
    [{ name: "make-db", args: null }, false],
    [{ name: "make-db", qualifier: "live" }, false],
    [{ name: "x".repeat(513) }, false],
  ])("of %j: %s", (config, valid) => {
    expect(Value.Check(LambdaConfig, config)).toBe(valid);
  });
});

describe("LambdaOutputs", () => {
  it("are scalars by name", () => {
    expect(Value.Check(LambdaOutputs, { a: "x", b: 1, c: true, d: null })).toBe(true);
    expect(Value.Check(LambdaOutputs, { a: {} })).toBe(false);
  });
});

describe("lambdaDefinition", () => {
  it("gives a call Lambda's 15 minutes and one more", () => {
    expect(lambdaDefinition).toMatchObject({ name: "lambda", resumable: true, cancelWithin: "1m" });
    expect(lambdaDefinition.timeout()).toBe(16 * 60_000);
  });
});
