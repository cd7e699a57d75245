import { describe, expect, it } from "vitest";
import { checkTags, readTagSpecifications, toTagList } from "./ec2-faults.ts";

const many = (count: number) => Array.from({ length: count }, (_, index) => ({ Key: `k${index}`, Value: "v" }));

const read = (input: object, resourceType: string, allow = ["*"]) =>
  readTagSpecifications(
    { input: { ...input }, identity: { arn: "arn:aws:iam::111122223333:user/app", allow } },
    resourceType,
  );

describe("tags of EC2", () => {
  it("are read for their type of resource and written as lists", () => {
    const TagSpecifications = [{ ResourceType: "launch-template", Tags: [{ Key: "a", Value: "b" }, { Key: "c" }] }];

    const tags = read({ TagSpecifications }, "launch-template");

    expect(tags).toEqual({ a: "b", c: "" });
    expect(toTagList(tags)).toEqual([
      { Key: "a", Value: "b" },
      { Key: "c", Value: "" },
    ]);
  });

  it("are empty if none are named", () => {
    expect(read({}, "launch-template")).toEqual({});
  });

  it("are refused for another type", () => {
    const TagSpecifications = [{ ResourceType: "volume", Tags: [] }];

    expect(() => read({ TagSpecifications }, "launch-template")).toThrow(
      "'volume' is not a valid taggable resource type for this operation.",
    );
  });

  it("are refused to who may not tag", () => {
    const TagSpecifications = [{ ResourceType: "launch-template", Tags: [{ Key: "a", Value: "b" }] }];

    expect(() => read({ TagSpecifications }, "launch-template", ["ec2:CreateLaunchTemplate"])).toThrow(
      expect.objectContaining({ name: "UnauthorizedOperation", message: expect.stringContaining("ec2:CreateTags") }),
    );
    expect(read({}, "launch-template", [])).toEqual({});
  });

  it.each([
    ["an empty key", [{ Key: "", Value: "v" }], "InvalidParameterValue"],
    ["a long key", [{ Key: "k".repeat(129), Value: "v" }], "InvalidParameterValue"],
    ["a long value", [{ Key: "k", Value: "v".repeat(257) }], "InvalidParameterValue"],
    ["a key of AWS", [{ Key: "AWS:x", Value: "v" }], "InvalidParameterValue"],
    ["too many", many(51), "TagLimitExceeded"],
  ])("refuse %s", (_, list, name) => {
    expect(() => checkTags(list)).toThrow(expect.objectContaining({ name }));
  });

  it("may be fifty, as long as they may be", () => {
    const list = [...many(49), { Key: "k".repeat(128), Value: "v".repeat(256) }];

    expect(Object.keys(checkTags(list))).toHaveLength(50);
  });
});
