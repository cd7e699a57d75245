import { describe, expect, it } from "vitest";
import { createReleaseWorld } from "../testing/a-release-world.ts";
import { loadAttachments } from "./load-attachments.ts";

describe("loadAttachments", () => {
  it("reads all pages of both kinds", async () => {
    const { sim, deps } = createReleaseWorld();
    const classic = [
      { LoadBalancerName: "a", State: "InService" },
      { LoadBalancerName: "b", State: "Removing" },
    ];
    const groups = [{ LoadBalancerTargetGroupARN: "arn:c", State: "Removed" }, { LoadBalancerTargetGroupARN: "arn:d" }];
    for (const [at, each] of classic.entries()) {
      sim.once("AutoScaling.DescribeLoadBalancers", async () => ({
        LoadBalancers: [each],
        ...(at === 0 && { NextToken: "more" }),
      }));
    }
    for (const [at, each] of groups.entries()) {
      sim.once("AutoScaling.DescribeLoadBalancerTargetGroups", async () => ({
        LoadBalancerTargetGroups: [each],
        ...(at === 0 && { NextToken: "more" }),
      }));
    }

    expect(await loadAttachments(deps, "web")).toEqual([
      { group: "web", kind: "classic", id: "a", state: "InService" },
      { group: "web", kind: "classic", id: "b", state: "Removing" },
      { group: "web", kind: "target-group", id: "arn:c", state: "Removed" },
      { group: "web", kind: "target-group", id: "arn:d", state: "unknown" },
    ]);
  });
});
