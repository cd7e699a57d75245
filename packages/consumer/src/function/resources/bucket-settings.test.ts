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

describe("rules of the old form", () => {
  // aws/aws-sdk-ruby#1653, #1623, cloud-custodian/cloud-custodian#5826, hashicorp/terraform-provider-aws#23299
  it("get one more of the same form, because S3 rejects both in one configuration", () => {
    const theirs = { ID: "expire", Status: "Enabled" as const, Prefix: "tmp/", Expiration: { Days: 30 } };
    const rules = completeRules([theirs]) ?? [];

    expect(rules).toEqual([theirs, expect.objectContaining({ ID: "stackyard-end-uploads", Prefix: "" })]);
    expect(rules[1]).not.toHaveProperty("Filter");
    expect(completeRules(rules)).toBeUndefined();
  });

  it("get none when a configuration is full", () => {
    const full = Array.from({ length: 1_000 }, (_, index) => rule({ ID: `r${index}`, Filter: { Prefix: `${index}` } }));

    expect(completeRules(full)).toBeUndefined();
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
  const own = (stackId: string, empties?: boolean) => ({ stackId, empties });
  const mark = (Value: string) => ({ Key: "stackyard:empty-on-delete", Value });
  const FIRST = [
    { Key: "stackyard:stack", Value: "first" },
    { Key: "stackyard:part", Value: "consumer" },
  ];

  it("are added, not exchanged", () => {
    const tags = completeTags(FIRST.slice(0, 1), own("second")) ?? [];

    expect(tags).toEqual(FIRST);
    expect(completeTags(tags, own("third"))).toBeUndefined();
  });

  it("are left unchanged when the limit is reached", () => {
    const full = Array.from({ length: 49 }, (_, index) => ({ Key: `k${index}`, Value: "" }));

    expect(completeTags(full, own("stack"))).toBeUndefined();
  });

  it("have the mark of the one stack that may empty the bucket, until it may not", () => {
    const marked = completeTags(FIRST, own("second", true)) ?? [];

    expect(marked).toEqual([...FIRST, mark("second")]);
    expect(completeTags(marked, own("second", true))).toBeUndefined();
    expect(completeTags(marked, own("second"))).toBeUndefined();
    expect(completeTags(marked, own("second", false))).toEqual(FIRST);
    expect(completeTags(marked, own("third", false))).toBeUndefined();
    expect(completeTags(marked, own("third", true))).toEqual([...FIRST, mark("third")]);
  });
});
