import { describe, expect, it } from "vitest";
import { completePolicy, completeRules, completeTags, hasAllBlocked } from "./bucket-settings.ts";

const PLACE = { account: "444455556666", region: "eu-central-1", bucket: "own" };
const ALL = { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true };
const rule = (over: object) => ({
  ID: "theirs",
  Status: "Enabled" as const,
  AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
  ...over,
});

describe("public access", () => {
  it("is blocked when each of the four is", () => {
    expect([hasAllBlocked(ALL), hasAllBlocked({ ...ALL, BlockPublicPolicy: false }), hasAllBlocked(undefined)]).toEqual(
      [...[true, false, false]],
    );
  });
});

describe("rules of the lifecycle", () => {
  it.each([
    rule({}),
    rule({ Filter: { Prefix: "" } }),
    rule({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }),
  ])("that end uploads of all keys no later stay as they are: %j", (theirs) => {
    expect(completeRules([theirs])).toBeUndefined();
  });

  it.each([
    rule({ Status: "Disabled" }),
    rule({ Filter: { Prefix: "logs/" } }),
    rule({ Prefix: "logs/" }),
    rule({ Filter: { Tag: { Key: "a", Value: "b" } } }),
    rule({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 30 } }),
    rule({ AbortIncompleteMultipartUpload: undefined, Expiration: { Days: 9 } }),
  ])("get one more in addition to %j", (theirs) => {
    const rules = completeRules([theirs]) ?? [];

    expect(rules[0]).toBe(theirs);
    expect(rules[1]).toMatchObject({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 }, Status: "Enabled" });
    expect(completeRules(rules)).toBeUndefined();
  });
});

describe("the policy", () => {
  it("denies requests without TLS, once, and keeps what others allow", () => {
    const theirs = { Effect: "Allow", Principal: { AWS: "1" }, Action: "s3:GetObject", Resource: "*" };
    const text = completePolicy(JSON.stringify({ Version: "2012-10-17", Statement: theirs }), PLACE);

    expect(JSON.parse(text ?? "")).toMatchObject({
      Statement: [theirs, { Effect: "Deny", Resource: ["arn:aws:s3:::own", "arn:aws:s3:::own/*"] }],
    });
    expect(completePolicy(text, PLACE)).toBeUndefined();
  });

  it.each([
    ["cn-north-1", "aws-cn"],
    ["us-gov-west-1", "aws-us-gov"],
    ["eusc-de-east-1", "aws-eusc"],
    ["us-east-1", "aws"],
  ])("of %s names the partition %s", (region, partition) => {
    expect(completePolicy(undefined, { ...PLACE, region })).toContain(`"arn:${partition}:s3:::own/*"`);
  });
});

describe("tags", () => {
  it("are added, not exchanged", () => {
    const theirs = [{ Key: "stackyard:stack", Value: "first" }];
    const tags = completeTags(theirs, "second") ?? [];

    expect(tags).toEqual([...theirs, { Key: "stackyard:part", Value: "consumer" }]);
    expect(completeTags(tags, "third")).toBeUndefined();
  });

  it("are left unchanged when the limit is reached", () => {
    const full = Array.from({ length: 49 }, (_, index) => ({ Key: `k${index}`, Value: "" }));

    expect(completeTags(full, "stack")).toBeUndefined();
  });
});
