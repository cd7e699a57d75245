import { describe, expect, it } from "vitest";
import { toDoorRequest } from "./door-request.ts";

const authorization = "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/sqs/aws4_request, SignedHeaders=host";
const body = Buffer.from("{}");

describe("what a request asks", () => {
  it("stands in its signature and its target", () => {
    const headers = { authorization, "x-amz-target": "AmazonSQS.SendMessageBatch" };
    expect(toDoorRequest({ method: "POST", url: "/", headers }, body)).toEqual({
      service: "sqs",
      region: "eu-west-1",
      accessKeyId: "AKID",
      operation: "SendMessageBatch",
      method: "POST",
      path: "/",
      headers,
      body,
    });
  });

  it("has the token of a session", () => {
    const headers = { authorization, "x-amz-security-token": "token-1" };

    expect(toDoorRequest({ headers }, body)).toMatchObject({ accessKeyId: "AKID", sessionToken: "token-1" });
  });

  it.each([
    ["GET", "/bucket?list-type=2&prefix=m", "ListObjectsV2"],
    ["GET", "/bucket/m/a.yml", "GetObject"],
    ["PUT", "/bucket/key", "PutObject"],
    ["HEAD", "/bucket/key", "HeadObject"],
    ["POST", "/2015-03-31/functions/make-db/invocations", "Invoke"],
  ])("stands in method and path where there is no target: %s %s", (method, url, operation) => {
    expect(toDoorRequest({ method, url, headers: {} }, body)).toMatchObject({ service: "", operation });
  });
});
