import { describe, expect, it } from "vitest";
import { findEmulator, findRegion, toArnPart } from "./environment.ts";

const EMULATOR = "http://127.0.0.1:4566";

describe("findEmulator", () => {
  it.each([
    ["all services have", { AWS_ENDPOINT_URL: EMULATOR }, EMULATOR],
    ["the service has", { AWS_ENDPOINT_URL_S3: EMULATOR }, EMULATOR],
    ["the service has of its own", { AWS_ENDPOINT_URL: "http://other:1", AWS_ENDPOINT_URL_S3: EMULATOR }, EMULATOR],
  ])("finds the address that %s", (_which, environment, found) => {
    expect(findEmulator(environment, "S3")).toBe(found);
  });

  it.each([
    ["without an address", {}],
    ["with an empty one", { AWS_ENDPOINT_URL: "" }],
    ["with another service's", { AWS_ENDPOINT_URL_SQS: EMULATOR }],
    ["with one that is to be ignored", { AWS_ENDPOINT_URL: EMULATOR, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true" }],
    ["over https, as AWS itself has", { AWS_ENDPOINT_URL_S3: "https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com" }],
    ["where the service has one over https", { AWS_ENDPOINT_URL: EMULATOR, AWS_ENDPOINT_URL_S3: "https://s3.example" }],
    ["with an invalid address", { AWS_ENDPOINT_URL: "http://" }],
  ])("finds none %s", (_what, environment) => {
    expect(findEmulator(environment, "S3")).toBeUndefined();
  });
});

describe("findRegion", () => {
  it("returns the region of the SDK's variables", () => {
    expect(findRegion({ AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "eu-west-2" })).toBe("eu-west-1");
    expect(findRegion({ AWS_REGION: "", AWS_DEFAULT_REGION: "eu-west-2" })).toBe("eu-west-2");
    expect(findRegion({ AWS_REGION: "" })).toBeUndefined();
  });
});

describe("toArnPart", () => {
  it("returns a part of an ARN", () => {
    const arn = "arn:aws:sns:eu-west-1:111122223333:topic";

    expect([toArnPart(arn, 1), toArnPart(arn, 3), toArnPart(arn, 4)]).toEqual(["aws", "eu-west-1", "111122223333"]);
    expect(toArnPart("topic", 3)).toBe("");
  });
});
