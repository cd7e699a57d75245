import { describe, expect, it } from "vitest";
import { parseStackArn, toTaskLogsUrl } from "./aws-console.ts";

const place = { account: "111122223333", stack: "shop" };

describe("parseStackArn", () => {
  it.each([
    ["aws", "eu-west-1", "eu-west-1.console.aws.amazon.com"],
    ["aws-cn", "cn-north-1", "cn-north-1.console.amazonaws.cn"],
    ["aws-us-gov", "us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"],
  ])("finds a stack of the partition %s in its console", (partition, region, host) => {
    const arn = `arn:${partition}:cloudformation:${region}:111122223333:stack/shop/0123`;

    expect(parseStackArn(arn)).toEqual({
      ...place,
      region,
      consoleUrl: `https://${host}/cloudformation/home?region=${region}#/stacks/stackinfo?stackId=${encodeURIComponent(arn)}`,
    });
  });

  it("knows no console of another partition", () => {
    expect(parseStackArn("arn:aws-iso:cloudformation:us-iso-east-1:111122223333:stack/shop/0123")).toEqual({
      ...place,
      region: "us-iso-east-1",
    });
  });

  it.each([
    "",
    "shop",
    "arn:aws:cloudformation:eu-west-1.example.org/#:111122223333:stack/shop/0123",
    "arn:aws:cloudformation:eu-west-1:111122223333:stack/<b>/0123",
    "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/0123\nx",
    "arn:evil.example.org/:cloudformation:eu-west-1:111122223333:stack/shop/0123",
  ])("makes no address of %j", (text) => {
    expect(parseStackArn(text)).toBeUndefined();
  });
});

describe("toTaskLogsUrl", () => {
  const id = "96052dc0123456789abcdef012345678";

  it("finds the logs of a task in the console of its partition", () => {
    expect(toTaskLogsUrl(`arn:aws-cn:ecs:cn-north-1:111122223333:task/web/${id}`)).toBe(
      `https://cn-north-1.console.amazonaws.cn/ecs/v2/clusters/web/tasks/${id}/logs?region=cn-north-1`,
    );
  });

  it.each([
    "",
    "arn:aws:ecs:evil.example.org/:111122223333:task/web/0123",
    `arn:aws-iso:ecs:us-iso-east-1:111122223333:task/web/${id}`,
  ])("makes no address of %j", (text) => {
    expect(toTaskLogsUrl(text)).toBeUndefined();
  });
});
