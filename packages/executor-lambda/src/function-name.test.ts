import { describe, expect, it } from "vitest";
import { parseFunctionName } from "./function-name.ts";

describe("parseFunctionName", () => {
  it.each([
    ["make-db", { name: "make-db" }],
    ["make-db:live", { name: "make-db", qualifier: "live" }],
    ["make-db:$LATEST", { name: "make-db", qualifier: "$LATEST" }],
    ["123456789012:function:make-db", { name: "make-db" }],
    ["123456789012:function:make-db:7", { name: "make-db", qualifier: "7" }],
    ["arn:aws:lambda:eu-west-1:123456789012:function:make-db", { name: "make-db" }],
    ["arn:aws-cn:lambda:cn-north-1:123456789012:function:make-db:live", { name: "make-db", qualifier: "live" }],
    ["function:live", { name: "function", qualifier: "live" }],
    ["make-db:", { name: "make-db" }],
    [":", { name: ":" }],
    ["arn:aws:lambda:eu-west-1:123456789012:function:", { name: "arn:aws:lambda:eu-west-1:123456789012:function:" }],
  ])("reads %s", (text, expected) => {
    expect(parseFunctionName(text)).toEqual(expected);
  });
});
