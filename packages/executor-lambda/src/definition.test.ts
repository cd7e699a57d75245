import { parseMachine } from "@stackyard/core/machine";
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

/** The problems of a machine of version 1 with this config, as `code path`; an error has an exclamation mark. */
function listProblems(config: string): readonly string[] {
  const source = `version: 1\nevents: []\nstates: {INIT: {terminal: true, tasks: [run]}}\ntasks: {run: {executor: lambda, config: ${config}}}`;
  const { problems } = parseMachine(source, { name: "app", executors: new Map([["lambda", lambdaDefinition]]) });
  return problems.map(({ code, path, severity }) => `${severity === "error" ? "!" : ""}${code} ${path}`);
}

describe("the config of a Lambda task", () => {
  it.each([
    ["{name: f, args: {deep: [1, {a: null}]}}", []],
    ["{}", ["!lambda-name-required tasks.run.config.name"]],
    ["{name: null}", ["!lambda-name-not-string tasks.run.config.name"]],
    ["{name: 5}", ["!lambda-name-not-string tasks.run.config.name"]],
    ['{name: ""}', ["!lambda-name-not-string tasks.run.config.name"]],
    ["{name: f, args: null}", ["!lambda-args-not-map tasks.run.config.args"]],
    ["{name: f, args: text}", ["!lambda-args-not-map tasks.run.config.args"]],
    ["{name: f, args: []}", ["!lambda-args-not-map tasks.run.config.args"]],
    ["{name: f, args: {}, qualifier: 1}", ["!config-unknown-key tasks.run.config.qualifier"]],
    ["{name: f, args: {day: 2020-01-01}}", ["scalar-ambiguous tasks.run.config.args.day"]],
  ])("%s", (config, expected) => {
    expect(listProblems(config)).toEqual(expected);
  });
});
