import { describe, expect, it } from "vitest";
import { parseUnregistered } from "./consumer-event.ts";

const isRegion = (region: string) => parseUnregistered({ v: 1, account: "111122223333", region }) !== undefined;

describe("Region", () => {
  it.each([
    ...["eu-west-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "cn-north-1"],
    ...["ap-southeast-5", "mx-central-1", "il-central-1", "eusc-de-east-1"],
  ])("is %s", (region) => {
    expect(isRegion(region)).toBe(true);
  });

  it.each([
    "",
    "ALL",
    "eu",
    "eu-west",
    "EU-west-1",
    "eu-west-1 ",
    "eu--west-1",
    "eu-west-1a",
    "eu-west-1/x",
    "euwest1",
  ])("is not %j", (region) => {
    expect(isRegion(region)).toBe(false);
  });
});
