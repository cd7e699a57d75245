import { describe, expect, it } from "vitest";
import { toClientToken, toExecutionName, toPhysicalId, toResourceId, toTaskTags } from "./identity.ts";

const StackId = "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/51af3dc0-da77-11e4-872e-1234567db123";

describe("toResourceId", () => {
  it("is the MD5 of stack and logical id, one directly behind the other", () => {
    // printf '%s' "<StackId>Migration" | md5sum
    expect(toResourceId({ StackId, LogicalResourceId: "Migration" })).toBe("22cbd26f71640ea28259aa096b71c610");
    expect(toResourceId({ StackId: "", LogicalResourceId: "" })).toBe("d41d8cd98f00b204e9800998ecf8427e");
    expect(toResourceId({ StackId: "ab", LogicalResourceId: "c" })).toBe(
      toResourceId({ StackId: "a", LogicalResourceId: "bc" }),
    );
  });
});

describe("toClientToken", () => {
  it("is the SHA-256 of request and attempt, different for each attempt", () => {
    // printf 'ab1' | sha256sum
    expect(toClientToken("ab", 1)).toBe("ca5ba87c93d42f8a45c1e0f569bba8bac92c80f4ce6c864bd44d136572411b7e");
    expect(toClientToken("ab", 2)).not.toBe(toClientToken("ab", 1));
  });
});

describe("toExecutionName", () => {
  it("keeps the ids that CloudFormation makes", () => {
    expect(toExecutionName("afd8d7c5-9376-4013-8b3b-307517b8719e")).toBe("afd8d7c5-9376-4013-8b3b-307517b8719e");
  });

  it.each(["a b", "a/b", "x".repeat(81), "é"])("converts %j to a name that Step Functions accepts", (requestId) => {
    expect(toExecutionName(requestId)).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("toTaskTags", () => {
  it("names stack, resource and request, in characters and lengths of ECS", () => {
    expect(toTaskTags({ StackId, LogicalResourceId: "Migration", RequestId: "a,b" })).toEqual([
      { key: "stackyard:stack", value: StackId },
      { key: "stackyard:logical-id", value: "Migration" },
      { key: "stackyard:request", value: "a_b" },
    ]);
    expect(toTaskTags({ StackId: "x".repeat(300), LogicalResourceId: "M", RequestId: "r" })[0]?.value).toHaveLength(
      256,
    );
  });
});

const BASE = { RequestId: "r", StackId: "s", LogicalResourceId: "l", ResponseURL: "u", ResourceProperties: {} };

function idOf(RequestType: string, mode: "id" | "taskArn", status: "SUCCESS" | "FAILED", taskArns: readonly string[]) {
  const brought = RequestType === "Create" ? {} : { PhysicalResourceId: "brought" };
  return toPhysicalId({ request: { ...BASE, RequestType, ...brought }, taskArns }, { id: "own", mode, status });
}

describe("toPhysicalId", () => {
  it.each([
    ["Create", "id", "SUCCESS", ["task"], "own"],
    ["Create", "id", "FAILED", ["task"], "own"],
    ["Update", "id", "SUCCESS", ["task"], "brought"],
    ["Update", "id", "FAILED", [], "brought"],
    ["Delete", "id", "SUCCESS", [], "brought"],
    ["Read", "id", "FAILED", [], "brought"],
    ["Create", "taskArn", "SUCCESS", ["task", "other"], "task"],
    ["Create", "taskArn", "SUCCESS", [], "own"],
    ["Create", "taskArn", "FAILED", ["task"], "task"],
    ["Create", "taskArn", "FAILED", [], "own"],
    ["Update", "taskArn", "SUCCESS", ["task"], "task"],
    ["Update", "taskArn", "SUCCESS", [], "brought"],
    ["Update", "taskArn", "FAILED", ["task"], "brought"],
    ["Delete", "taskArn", "SUCCESS", [], "brought"],
  ] as const)("%s with %s that ends as %s after %j: %s", (type, mode, status, taskArns, expected) => {
    expect(idOf(type, mode, status, taskArns)).toBe(expected);
  });

  it("is the resource's own where an update brings none", () => {
    const request = { ...BASE, RequestType: "Update" };

    expect(toPhysicalId({ request, taskArns: [] }, { id: "own", mode: "id", status: "SUCCESS" })).toBe("own");
  });
});
