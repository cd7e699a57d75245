import { describe, expect, it } from "vitest";
import {
  AWS_DNS_SUFFIXES,
  findAwsPartition,
  findPartition,
  toDnsSuffix,
  toDnsSuffixOf,
  toPartition,
} from "./aws-partitions.ts";

describe("findPartition", () => {
  it.each([
    ["eu-west-1", "aws"],
    ["us-east-1", "aws"],
    ["il-central-1", "aws"],
    ["mx-central-1", "aws"],
    ["cn-northwest-1", "aws-cn"],
    ["us-gov-west-1", "aws-us-gov"],
    ["us-iso-east-1", "aws-iso"],
    ["us-isob-east-1", "aws-iso-b"],
    ["eusc-de-east-1", "aws-eusc"],
    ["eu-west", undefined],
    ["eu-west-1.evil.example", undefined],
    ["", undefined],
  ])("of %j is %s", (region, partition) => {
    expect(findPartition(region)).toBe(partition);
  });
});

describe("toPartition", () => {
  it.each([
    ["eu-west-1", "aws"],
    ["us-east-1", "aws"],
    ["cn-northwest-1", "aws-cn"],
    ["us-gov-west-1", "aws-us-gov"],
    ["", "aws"],
  ])("of %s is %s", (region, partition) => {
    expect(toPartition(region)).toBe(partition);
  });
});

describe("toDnsSuffix", () => {
  it.each([
    ["eu-west-1", "amazonaws.com"],
    ["cn-north-1", "amazonaws.com.cn"],
    ["eusc-de-east-1", "amazonaws.eu"],
    ["us-gov-west-1", "amazonaws.com"],
    ["xx-nowhere-1", "amazonaws.com"],
  ])("of %s is %s, as of its partition", (region, suffix) => {
    expect([toDnsSuffix(region), toDnsSuffixOf(toPartition(region))]).toEqual([suffix, suffix]);
  });

  it("is listed after each longer one that begins with it", () => {
    const [first, second] = ["amazonaws.com.cn", "amazonaws.com"].map((each) => AWS_DNS_SUFFIXES.indexOf(each));

    expect(first).toBeLessThan(second ?? -1);
    expect(findAwsPartition("aws-eusc")?.consoleDomain).toBeUndefined();
  });
});
