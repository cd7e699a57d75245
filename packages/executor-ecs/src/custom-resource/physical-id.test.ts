import { describe, expect, it } from "vitest";
import { toPhysicalId } from "./physical-id.ts";

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
