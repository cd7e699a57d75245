import { describe, expect, it } from "vitest";
import { type ParameterSources, parseGiven, planParameters } from "./plan-parameters.ts";

const template = { Bucket: { Type: "String", Description: "Where code lies." }, Days: { Type: "Number", Default: 30 } };

function plan(sources: Partial<ParameterSources>) {
  const none = { given: new Map(), filled: new Map(), previous: new Set<string>(), offered: new Map() };
  return planParameters({ template, ...none, ...sources });
}

const planned = (...parameters: object[]) => ({ kind: "planned", parameters });

describe("parameters", () => {
  it("take what is given before all else", () => {
    const sources = { filled: new Map([["Bucket", "b"]]), previous: new Set(["Bucket"]) };

    expect(plan({ ...sources, given: new Map([["Bucket", "own"]]) })).toEqual(
      planned({ ParameterKey: "Bucket", ParameterValue: "own" }),
    );
    expect(plan(sources)).toEqual(planned({ ParameterKey: "Bucket", ParameterValue: "b" }));
  });

  it("keep what the stack has, before what others offer", () => {
    const offered = new Map([["Bucket", "offered"]]);

    expect(plan({ previous: new Set(["Bucket", "Days", "Gone"]), offered })).toEqual(
      planned({ ParameterKey: "Bucket", UsePreviousValue: true }, { ParameterKey: "Days", UsePreviousValue: true }),
    );
    expect(plan({ offered })).toEqual(planned({ ParameterKey: "Bucket", ParameterValue: "offered" }));
  });

  it("may be empty texts", () => {
    expect(plan({ given: new Map([["Bucket", ""]]) })).toEqual(planned({ ParameterKey: "Bucket", ParameterValue: "" }));
  });

  it("are refused with all that is wrong", () => {
    expect(plan({ given: new Map([["Dayz", "1"]]) })).toEqual({
      kind: "refused",
      faults: ["The template has no parameter Dayz; it has Bucket, Days.", "Bucket has no value (Where code lies.)."],
    });
  });

  it("of a name that every object has are unknown too", () => {
    expect(plan({ given: new Map([["constructor", "1"]]) })).toMatchObject({ kind: "refused" });
  });
});

describe("typed parameters", () => {
  it("may hold further signs and be empty", () => {
    expect(parseGiven(["A=x=y", "B="])).toEqual(
      new Map([
        ["A", "x=y"],
        ["B", ""],
      ]),
    );
  });

  it.each([
    [["A"], '--parameter takes Name=value, not "A".'],
    [["=x"], '--parameter takes Name=value, not "=x".'],
    [["A-B=x"], '--parameter takes Name=value, not "A-B=x".'],
    [["A=1", "A=2"], "--parameter A is given twice."],
  ])("are refused: %j", (words, refusal) => {
    expect(parseGiven(words)).toEqual({ refusal });
  });
});
