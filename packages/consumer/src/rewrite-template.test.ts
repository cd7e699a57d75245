import { describe, expect, it } from "vitest";
import { rewriteTemplate } from "./rewrite-template.ts";

const INPUT = {
  source: { bucket: "dist-bucket", region: "eu-west-1" },
  target: { bucket: "own-bucket", region: "eu-central-1" },
};
const HEAD = "AWSTemplateFormatVersion: 2010-09-09\n";
const rewrite = (text: string, key = "a/packaged.yaml") => rewriteTemplate(key, Buffer.from(text), INPUT);
const line = (text: string) => rewrite(`${HEAD}${text}`)?.slice(HEAD.length);

describe("rewriteTemplate", () => {
  it.each([
    ["Bucket: dist-bucket", "Bucket: own-bucket"],
    ["  S3Bucket: dist-bucket\n  S3Key: a", "  S3Bucket: own-bucket\n  S3Key: a"],
    ["CodeUri: s3://dist-bucket/a/b.zip", "CodeUri: s3://own-bucket/a/b.zip"],
    ["    Default: dist-bucket", "    Default: own-bucket"],
    ["Url: https://dist-bucket.s3.amazonaws.com/a", "Url: https://own-bucket.s3.amazonaws.com/a"],
    ["Url: https://s3.eu-west-1.amazonaws.com/dist-bucket/a", "Url: https://own-bucket.s3.amazonaws.com/a"],
    ["Url: https://s3-eu-west-1.amazonaws.com/dist-bucket/a", "Url: https://own-bucket.s3.amazonaws.com/a"],
    ["Url: https://s3.amazonaws.com/dist-bucket/a", "Url: https://own-bucket.s3.amazonaws.com/a"],
    [
      // biome-ignore lint/suspicious/noTemplateCurlyInString: as CloudFormation reads it.
      "Url: !Sub https://s3.${AWS::Region}.amazonaws.com/dist-bucket/a",
      "Url: !Sub https://own-bucket.s3.amazonaws.com/a",
    ],
    ["Bucket: 'dist-bucket'", "Bucket: 'own-bucket'"],
    ['Default: "dist-bucket"', 'Default: "own-bucket"'],
    [
      "Url: https://dist-bucket.s3.eu-west-1.amazonaws.com/a",
      "Url: https://own-bucket.s3.eu-central-1.amazonaws.com/a",
    ],
    // Not every region has hosts with a hyphen.
    ["https://dist-bucket.s3-eu-west-1.amazonaws.com/a", "https://own-bucket.s3.eu-central-1.amazonaws.com/a"],
    [
      "https://dist-bucket.s3.dualstack.eu-west-1.amazonaws.com/a",
      "https://own-bucket.s3.dualstack.eu-central-1.amazonaws.com/a",
    ],
  ])("makes %j to %j", (before, after) => {
    expect(line(before)).toBe(after);
  });

  it.each(["a/packaged.yaml", "a/packaged.yml", "a/packaged.template"])("exchanges the bucket all over %s", (key) => {
    const of = (bucket: string, nested: string) => `AWSTemplateFormatVersion: '2010-09-09'
Description: All places at once.
Parameters:
  Anything:
    Default: bla
  TemplatesBucket:
    Default: ${bucket}
Resources:
  ABucket:
    Properties:
      BucketName:
        AName
    Type: AWS::S3::Bucket
  First:
    Properties:
      CodeUri: s3://${bucket}/some-function
      Environment:
        Variables:
          BUCKET:
            Ref: ABucket
  Second:
    Properties:
      CodeUri: https://${bucket}/some-function
  Third:
    Properties:
      Code:${" "}
        S3Bucket: ${bucket}
        S3Key: some-function
  Nested:
    Properties:
      TemplateUrl: ${nested}/nested.yaml
`;

    expect(rewrite(of("dist-bucket", "https://s3.eu-west-1.amazonaws.com/dist-bucket"), key)).toBe(
      of("own-bucket", "https://own-bucket.s3.amazonaws.com"),
    );
  });

  it.each([
    "Bucket: dist-bucket-2",
    "Bucket: dist-bucket.backup",
    "Bucket: dist-bucket2",
    "s3://dist-bucket-2/a",
    "https://dist-bucket.s3x.example/a",
    "https://s3.eu-west-1.amazonaws.com/dist-bucket-2/a",
    "https://s3.example/x.amazonaws.com/dist-bucket/a",
    "Name: dist-bucket",
    "Bucket: my-dist-bucket",
    "Description: of dist-bucket",
  ])("leaves %j alone", (text) => {
    expect(line(text)).toBe(text);
  });

  it.each([
    ["a comment", "# ours\n"],
    ["blank lines", "\n\n"],
    ["the beginning of a document", "---\n"],
    ["a mark of the byte order", "\ufeff"],
    ["all of them", "\ufeff# ours\n\n---\n# more\n"],
    ["lines of Windows", "# ours\r\n\r\n"],
  ])("knows a template behind %s", (_what, before) => {
    expect(rewrite(`${before}${HEAD}Bucket: dist-bucket`)).toBe(`${before}${HEAD}Bucket: own-bucket`);
  });

  it.each([
    ["what is not a template", "Bucket: dist-bucket\n", undefined],
    ["a template", `${HEAD}Bucket: dist-bucket`, `${HEAD}Bucket: own-bucket`],
  ])("reads a long licence with lines of Windows before %s in no time", (_what, text, expected) => {
    const licence = "# Licence\r\n \t\r\n%YAML\r\n".repeat(50);

    expect(rewrite(`${licence}${text}`)).toBe(expected && `${licence}${expected}`);
  });

  it("rewrites templates of JSON, with a space behind the colon or without", () => {
    const of = (bucket: string) =>
      `{"AWSTemplateFormatVersion": "2010-09-09", "S3Bucket":"${bucket}", "Default": "${bucket}", "u": "s3://${bucket}/a", "n": "dist-bucket"}`;

    expect(rewrite(of("dist-bucket"), "a/stack.json")).toBe(of("own-bucket"));
  });

  it.each([
    ["another file", "a/app.zip", `${HEAD}Bucket: dist-bucket`],
    ["YAML under a name of JSON", "a/packaged.json", `${HEAD}Bucket: dist-bucket`],
    ["JSON that is not an object", "a/values.json", '["AWSTemplateFormatVersion"]'],
    ["nothing", "a/values.json", "null"],
    ["YAML that is not a template", "a/values.yaml", "Bucket: dist-bucket"],
    ["JSON that is not a template", "a/values.json", '{"Bucket": "dist-bucket", "x": {"AWSTemplateFormatVersion": 1}}'],
    ["broken JSON", "a/values.json", '{"AWSTemplateFormatVersion'],
    ["the version further down", "a/b.yml", `Resources:\n${HEAD}`],
    ["a large file", "a/b.template", `${HEAD}${"#".repeat(1_048_576)}`],
  ])("does not change %s", (_what, key, text) => {
    expect(rewrite(text, key)).toBeUndefined();
  });

  it("rewrites a file of exactly 1 MiB", () => {
    const text = `${HEAD}Bucket: dist-bucket\n`;
    const padding = "#".repeat(1_048_576 - text.length);

    expect(rewrite(text + padding)?.length).toBe(1_048_576 - 1);
    expect(rewrite(`${text}${padding}#`)).toBeUndefined();
  });

  it("exchanges each of several addresses in one line", () => {
    const of = (bucket: string) => `https://${bucket}.s3.amazonaws.com/a`;

    expect(line("https://s3.amazonaws.com/dist-bucket/a https://s3.amazonaws.com/dist-bucket/a")).toBe(
      `${of("own-bucket")} ${of("own-bucket")}`,
    );
  });

  it.each([
    ["cn-north-1", "cn-northwest-1", "amazonaws.com.cn"],
    ["eusc-de-east-1", "eusc-de-west-1", "amazonaws.eu"],
  ])("knows the hosts of %s", (from, to, domain) => {
    const input = { source: { ...INPUT.source, region: from }, target: { ...INPUT.target, region: to } };
    const rewriteHere = (text: string) => rewriteTemplate("a.yml", Buffer.from(`${HEAD}${text}`), input);

    const own = `${HEAD}Url: https://own-bucket.s3.${to}.${domain}/a`;
    expect(rewriteHere(`Url: https://dist-bucket.s3.${from}.${domain}/a`)).toBe(own);
    expect(rewriteHere(`Url: https://s3.${from}.${domain}/dist-bucket/a`)).toBe(own);
    expect(rewriteHere(`Url: https://s3.${from}.${domain}.example/dist-bucket/a`)).not.toContain("own-bucket");
  });

  it("takes a dot in a bucket's name for a dot", () => {
    const input = { ...INPUT, source: { bucket: "dist.bucket", region: "eu-west-1" } };
    const text = (bucket: string) => `${HEAD}Bucket: ${bucket}\nOther: s3://distxbucket/a\nLast: s3://${bucket}/a`;

    expect(rewriteTemplate("a.yml", Buffer.from(text("dist.bucket")), input)).toBe(text("own-bucket"));
  });

  it("knows JSON by its first sign, under any name", () => {
    const of = (bucket: string) => `\ufeff \n{"AWSTemplateFormatVersion": "2010-09-09", "Default": "${bucket}"}`;

    expect(rewrite(of("dist-bucket"), "a/stack.template")).toBe(of("own-bucket"));
  });

  it("does not change what is not text", () => {
    const bytes = Buffer.concat([Buffer.from(HEAD), Buffer.from([0xff, 0xfe])]);

    expect(rewriteTemplate("a/b.template", bytes, INPUT)).toBeUndefined();
  });
});
