import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { redactText } from "./redact-text.ts";

const presigned =
  "https://b.s3.eu-west-1.amazonaws.com/k/a.zip?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAX%2F20260101%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=900&X-Amz-Security-Token=IQoJb3&X-Amz-Signature=5f0c&X-Amz-SignedHeaders=host";

describe("redactText", () => {
  it.each([
    [`GET ${presigned} failed`, "GET https://b.s3.eu-west-1.amazonaws.com/k/a.zip?[redacted] failed"],
    [`{"url":"${presigned}"}`, '{"url":"https://b.s3.eu-west-1.amazonaws.com/k/a.zip?[redacted]"}'],
    [
      "https://b.s3.amazonaws.com/k?AWSAccessKeyId=AKIA&Expires=1&Signature=abc%2B",
      "https://b.s3.amazonaws.com/k?[redacted]",
    ],
    ["x-amz-security-token: IQoJb3JpZ2", "x-amz-security-token: [redacted]"],
    ["tail of a URL: &X-Amz-Signature=5f0c&X=1", "tail of a URL: &X-Amz-Signature=[redacted]&X=1"],
    [
      "authorization: AWS4-HMAC-SHA256 Credential=AKIA/2026/x, SignedHeaders=host, Signature=ab",
      "authorization: AWS4-HMAC-SHA256 [redacted]",
    ],
    ["postgres://yard:p%40ss@db:5432/yard", "postgres://yard:[redacted]@db:5432/yard"],
    ['{"username":"u","password":"a \\"b\\" c","host":"h"}', '{"username":"u","password":"[redacted]","host":"h"}'],
    ["AWS_SECRET_ACCESS_KEY=wJalr/x AWS_REGION=eu", "AWS_SECRET_ACCESS_KEY=[redacted] AWS_REGION=eu"],
    ["SecretAccessKey: abc, SessionToken: def", "SecretAccessKey: [redacted], SessionToken: [redacted]"],
  ])("of %j is %j", (text, expected) => {
    expect(redactText(text)).toBe(expected);
  });

  it.each(["https://example.com/path?state=RUN&page=2", "The password is wrong.", "s3://bucket/key", "Signature"])(
    "leaves %j as it is",
    (text) => {
      expect(redactText(text)).toBe(text);
    },
  );

  it("changes nothing that it has made", () => {
    fc.assert(fc.property(fc.string(), (text) => redactText(redactText(text)) === redactText(text)));
  });
});
