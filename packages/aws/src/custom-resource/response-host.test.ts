import { describe, expect, it } from "vitest";
import { isResponseUrl } from "./response-host.ts";

describe("isResponseUrl", () => {
  it.each([
    "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/arn%3Aaws/x?AWSAccessKeyId=a&Signature=b",
    "https://cloudformation-custom-resource-response-euwest1.s3-eu-west-1.amazonaws.com/x",
    "https://cloudformation-custom-resource-response-eucentral1.s3.eu-central-1.amazonaws.com/x",
    "https://cloudformation-custom-resource-response-usgovwest1.s3.us-gov-west-1.amazonaws.com/x",
    "https://cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.com.cn/x",
    "https://cloudformation-custom-resource-response-euscdeeast1.s3.eusc-de-east-1.amazonaws.eu/x",
    "https://s3.dualstack.ap-southeast-2.amazonaws.com/bucket/x",
    "https://s3.amazonaws.com/bucket/x",
    "https://bucket.s3-external-1.amazonaws.com/x",
    "https://b.s3.amazonaws.com/x",
  ])("takes %s", (url) => {
    expect(isResponseUrl(url)).toBe(true);
  });

  it.each([
    ...["", "x", "file:///etc/passwd", "http://bucket.s3.amazonaws.com/x", "https://example.com/x"],
    "https://bucket.s3.amazonaws.com.example.com/x",
    "https://example.com/bucket.s3.amazonaws.com",
    "https://bucket.s3.amazonaws.com:8443/x",
    "https://user:pass@bucket.s3.amazonaws.com/x",
    "https://user@bucket.s3.amazonaws.com/x",
    "https://evil-s3.amazonaws.com/x",
    "https://bucket.s3.eu-west-1.amazonaws.eu.example.com/x",
    "https://bucket.s3.eu-west-1.amazonaws.de/x",
    "https://notamazonaws.com/x",
    "https://bucket.s3.notamazonaws.com/x",
    "https://s3-1234567890.eu-west-1.elb.amazonaws.com/x",
    "https://x.execute-api.eu-west-1.amazonaws.com/s3",
    "https://bucket.s3-website-eu-west-1.amazonaws.com/x",
    "https://169.254.169.254/latest/meta-data",
    "https://bucket.s3.amazonaws.com@example.com/x",
  ])("refuses %j", (url) => {
    expect(isResponseUrl(url)).toBe(false);
  });
});
