import { App, CfnCondition, Fn, Stack } from "aws-cdk-lib";
import { describe, expect, it } from "vitest";
import { findCondition, mapGiven, onlyIf, toCfn, toCfnList, toCfnNumber, toCfnText, toValue } from "./given.ts";

const stack = new Stack(new App({ analyticsReporting: false }), "given");
const condition = new CfnCondition(stack, "IsThere", { expression: Fn.conditionEquals("a", "a") });
const NOTHING = { Ref: "AWS::NoValue" };

describe("a value that may be left open", () => {
  it("is itself where nothing is open", () => {
    expect([toCfnText("a"), toCfnNumber(1), toCfnList(["a"]), toCfn(2, (value) => value + 1)]).toEqual([
      "a",
      1,
      ["a"],
      3,
    ]);
    expect([toValue("a"), findCondition("a"), mapGiven("a", (text) => `${text}b`)]).toEqual(["a", undefined, "ab"]);
  });

  it.each([
    ["a text", toCfnText(onlyIf(condition, "a")), "a"],
    ["a number", toCfnNumber(onlyIf(condition, 1)), 1],
    ["a list", toCfnList(onlyIf(condition, ["a"])), ["a"]],
  ])("is %s or nothing under a condition", (_what, cfn, value) => {
    expect(stack.resolve(cfn)).toEqual({ "Fn::If": ["IsThere", value, NOTHING] });
  });

  it("is spelled as in templates behind a condition, but its content is not", () => {
    const part = toCfn(onlyIf(condition, "a"), (name) => ({ policyName: name, document: { "s3:prefix": name } }));

    expect(stack.resolve(part)).toEqual({
      "Fn::If": ["IsThere", { PolicyName: "a", Document: { "s3:prefix": "a" } }, NOTHING],
    });
  });

  it("keeps its condition when it is mapped", () => {
    const mapped = mapGiven(onlyIf(condition, "a"), (text) => text.length);

    expect([findCondition(mapped), toValue(mapped)]).toEqual([condition, 1]);
  });

  it("is not taken for one because it has a value", () => {
    const both = { value: 1 };

    expect(toValue<unknown>(both)).toBe(both);
  });
});
