import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { createReleaseWorld } from "../testing/a-release-world.ts";
import { detachTraffic } from "./detach-traffic.ts";

const names = (count: number) => Array.from({ length: count }, (_, at) => `source-${at}`);
const refuse = (message: string) => () => Promise.reject(new SimFault("ValidationError", 400, message));

describe("detachTraffic", () => {
  it("makes no call for a group without load balancers", async () => {
    const { sim, deps } = createReleaseWorld();

    await detachTraffic(deps, { AutoScalingGroupName: "web" } as never);

    expect(sim.calls).toEqual([]);
  });

  it("detaches ten at a time", async () => {
    const { sim, deps } = createReleaseWorld();
    const sizes: number[] = [];
    for (let call = 0; call < 5; call += 1) {
      for (const operation of ["AutoScaling.DetachLoadBalancers", "AutoScaling.DetachLoadBalancerTargetGroups"]) {
        sim.once(operation, async () => {
          sizes.push(call);
          return {};
        });
      }
    }

    const group = { AutoScalingGroupName: "web", LoadBalancerNames: names(21), TargetGroupARNs: names(11) };
    await detachTraffic(deps, group as never);

    expect(sizes).toEqual([0, 1, 2, 0, 1]);
  });

  it.each([
    "Trying to remove Target Groups that are not part of the group",
    "AutoScalingGroup name not found - no such group: web",
  ])("takes what is done for done: %s", async (message) => {
    const { sim, deps } = createReleaseWorld();
    sim.once("AutoScaling.DetachLoadBalancerTargetGroups", refuse(message));

    const group = { AutoScalingGroupName: "web", TargetGroupARNs: ["arn:a"] };

    await expect(detachTraffic(deps, group as never)).resolves.toBeUndefined();
  });

  it("throws what else AWS refuses", async () => {
    const { sim, deps } = createReleaseWorld();
    sim.once("AutoScaling.DetachLoadBalancers", refuse("1 validation error detected"));

    const group = { AutoScalingGroupName: "web", LoadBalancerNames: ["a"] };

    await expect(detachTraffic(deps, group as never)).rejects.toThrow("1 validation error detected");
  });
});
