import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isSecretName, toVariables, toVariableText } from "./with-staged-run.ts";

const given = (metadata = {}, variables = {}) => toVariables({ stackId: "pr-12", metadata }, variables);

describe("toVariables", () => {
  it("contains metadata, the stack's id and the task's own, and lets the later one of a name win", () => {
    const { values } = given({ size: 1, zone: "a" }, { size: 2 });

    expect(Object.fromEntries(values)).toEqual({ size: "2", zone: "a", stack_id: "pr-12" });
  });

  it("never takes the stack's id from metadata, which events write", () => {
    const { values, reserved } = given({ stack_id: "pr-1" });

    expect([...values]).toEqual([["stack_id", "pr-12"]]);
    expect(reserved).toEqual(["stack_id"]);
    expect(given({ stack_id: "pr-1" }, { stack_id: "of the task" }).values.get("stack_id")).toBe("of the task");
  });

  it("leaves out null, so that the default of the configuration counts [terragrunt#892, terraform#29078]", () => {
    const { values } = given({ bucket: null, size: 1, zone: "a" }, { size: null });

    expect(Object.fromEntries(values)).toEqual({ zone: "a", stack_id: "pr-12" });
  });

  it("skips names that no variable can have", () => {
    const { values, unusable } = given({ "a b": 1, "1a": 1, "-a": 1, "a=b": 1, "": 1, "a-b": 1, größe: 1, _x: 1 });

    expect([...values.keys()]).toEqual(["a-b", "größe", "_x", "stack_id"]);
    expect(new Set(unusable)).toEqual(new Set(["a b", "1a", "-a", "a=b", ""]));
  });

  it("takes names of built-ins as names", () => {
    expect([...given(JSON.parse('{"__proto__":1,"constructor":2}')).values.keys()]).toEqual([
      "__proto__",
      "constructor",
      "stack_id",
    ]);
  });
});

describe("toVariableText", () => {
  it.each([
    [null, "null"],
    [true, "true"],
    [false, "false"],
    [0, "0"],
    [-1.5, "-1.5"],
    [1e21, "1e+21"],
    ["", ""],
    ["null", "null"],
    ["  a\nb ", "  a\nb "],
    [["a", 1], '["a",1]'],
    [{ a: `\${b}`, c: "%{d}" }, '{"a":"\\u0024{b}","c":"\\u0025{d}"}'],
  ])("of %j is %j", (value, text) => {
    expect(toVariableText(value)).toBe(text);
  });

  it("leaves strings as they are", () => {
    fc.assert(fc.property(fc.string(), (text) => toVariableText(text) === text));
  });

  it("writes lists and maps as JSON that holds no template", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (value) => {
        const text = toVariableText(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(text).not.toMatch(/[$%]\{/);
      }),
    );
  });
});

describe("isSecretName", () => {
  it("goes by the name", () => {
    const names = ["TF_VAR_db_password", "GITHUB_TOKEN", "apiKey", "clientSecret", "name", "PATH", "zone"];

    expect(names.filter(isSecretName)).toEqual(["TF_VAR_db_password", "GITHUB_TOKEN", "apiKey", "clientSecret"]);
  });
});
