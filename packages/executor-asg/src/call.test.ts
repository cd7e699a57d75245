import { createExecutorContext } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { openCall } from "./call.ts";

describe("openCall", () => {
  it.each([
    ["eu-west-1", "aws"],
    ["cn-north-1", "aws-cn"],
    ["us-gov-west-1", "aws-us-gov"],
  ])("works in the partition of its region when the task has no target: %s in %s", (region, partition) => {
    const input = { ctx: createExecutorContext(), config: {}, random: () => 0 };

    const { deps } = openCall({ ...input, at: { account: "111122223333", region } });

    expect(deps.target).toMatchObject({ region, partition });
  });
});
