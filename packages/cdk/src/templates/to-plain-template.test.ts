import { describe, expect, it } from "vitest";
import { toPlainTemplate } from "./synthesize-templates.ts";

const join = (...pieces: readonly unknown[]) => ({ "Fn::Join": ["", pieces] });

describe("a plain template", () => {
  it("has one text for pieces that are joined", () => {
    const pieces = join("arn:", { Ref: "AWS::Partition" }, ":s3:::", { "Fn::GetAtt": ["Bucket", "Name"] }, "/*");

    expect(toPlainTemplate({ a: [pieces] })).toEqual({
      // biome-ignore lint/suspicious/noTemplateCurlyInString: as CloudFormation reads it.
      a: [{ "Fn::Sub": "arn:${AWS::Partition}:s3:::${Bucket.Name}/*" }],
    });
  });

  it("keeps what looks like a name in a text a text", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as CloudFormation reads it.
    expect(toPlainTemplate(join("${a}", { Ref: "B" }))).toEqual({ "Fn::Sub": "${!a}${B}" });
  });

  it.each([
    ["joined by commas", { "Fn::Join": [",", ["a", { Ref: "B" }]] }],
    ["a list of a parameter", { "Fn::Join": ["", { Ref: "List" }] }],
    ["with a choice in it", join("a", { "Fn::If": ["Is", "b", "c"] })],
    ["of something else", { "Fn::Join": ["", ["a"]], b: 1 }],
  ])("leaves alone what is %s", (_what, value) => {
    expect(toPlainTemplate(value)).toEqual(value);
  });

  it("goes into what it leaves alone", () => {
    const choice = (text: unknown) => ({ "Fn::If": ["Is", text, "c"] });

    const plain = toPlainTemplate(choice(join("a", { Ref: "B" })));

    // biome-ignore lint/suspicious/noTemplateCurlyInString: as CloudFormation reads it.
    expect(plain).toEqual(choice({ "Fn::Sub": "a${B}" }));
  });
});
