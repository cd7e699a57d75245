import { parseMachine } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { lambdaDefinition } from "./definition.ts";

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
