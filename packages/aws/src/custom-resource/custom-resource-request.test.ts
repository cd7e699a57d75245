import { describe, expect, it } from "vitest";
import { isCloudFormationEvent, parseRequest } from "./custom-resource-request.ts";

const EVENT = {
  RequestType: "Update",
  ResponseURL: "https://example.s3.amazonaws.com/x?Signature=y",
  StackId: "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/1",
  RequestId: "r-1",
  ResourceType: "Custom::ECSTask",
  LogicalResourceId: "Migration",
  PhysicalResourceId: "p-1",
  ResourceProperties: { Cluster: "blue" },
  OldResourceProperties: { Cluster: "green" },
};

describe("parseRequest", () => {
  it("keeps what it needs", () => {
    const { ResourceType, ...kept } = EVENT;

    expect(parseRequest(EVENT)).toEqual(kept);
  });

  it("leaves wrong properties and a wrong type to be answered", () => {
    const { PhysicalResourceId, OldResourceProperties, ...create } = EVENT;

    expect(parseRequest({ ...create, RequestType: 7, ResourceProperties: null })).toMatchObject({
      RequestType: "",
      ResourceProperties: null,
      RequestId: "r-1",
    });
  });

  it.each(["RequestId", "StackId", "LogicalResourceId", "ResponseURL"])("needs %s in order to answer", (name) => {
    for (const value of [undefined, "", 7, null, {}, "x".repeat(9_000)]) {
      expect(parseRequest({ ...EVENT, [name]: value })).toBeUndefined();
    }
  });

  it.each([undefined, null, "text", 7, []])("refuses %j", (event) => {
    expect(parseRequest(event)).toBeUndefined();
    expect(isCloudFormationEvent(event)).toBe(false);
  });

  it("knows the events of CloudFormation", () => {
    expect(isCloudFormationEvent(EVENT)).toBe(true);
    expect(isCloudFormationEvent({ op: "step", requestId: "r-1" })).toBe(false);
  });
});
