import { describe, expect, it } from "vitest";
import { findPartition } from "./partition.ts";

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
