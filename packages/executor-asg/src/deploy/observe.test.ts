import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import { createReleaseWorld } from "../testing/release-world.ts";
import { loadHealthSources } from "./observe.ts";

const resources = { elbs: ["web"], target_group_arns: ["arn:web"] };
const classic = "ElasticLoadBalancing.DescribeInstanceHealth";
const modern = "ElasticLoadBalancingV2.DescribeTargetHealth";

function aTarget(Id: string, State: string, Port = 80): object {
  return { Target: { Id, Port }, TargetHealth: { State } };
}

describe("loadHealthSources", () => {
  it("gives the words of each load balancer", async () => {
    const { sim, deps } = createReleaseWorld();
    sim.once(classic, async () => ({ InstanceStates: [{ InstanceId: "i-1", State: "InService" }] }));
    sim.once(modern, async () => ({ TargetHealthDescriptions: [aTarget("i-1", "draining")] }));

    expect(await loadHealthSources(deps, resources, ["i-1", "i-2"])).toEqual([
      { kind: "classic", name: "web", states: { "i-1": "InService" } },
      { kind: "target-group", name: "arn:web", states: { "i-1": "draining" } },
    ]);
  });

  it("takes a server with several ports for as well as its worst", async () => {
    const { sim, deps } = createReleaseWorld();
    const ports = [aTarget("i-1", "healthy"), aTarget("i-1", "unhealthy", 81), aTarget("i-1", "healthy", 82)];
    sim.once(modern, async () => ({ TargetHealthDescriptions: ports }));

    expect(await loadHealthSources(deps, { ...resources, elbs: [] }, ["i-1"])).toMatchObject([
      { states: { "i-1": "unhealthy" } },
    ]);
  });

  it.each(["InvalidEndPointException", "InvalidInstance"])(
    "has an empty answer where a classic load balancer does not know a server: %s",
    async (name) => {
      const { sim, deps } = createReleaseWorld();
      sim.once(classic, () => Promise.reject(new SimFault(name, 400, "Not registered.")));
      sim.once(modern, async () => ({}));

      expect(await loadHealthSources(deps, resources, ["i-1"])).toEqual([
        { kind: "classic", name: "web", states: {} },
        { kind: "target-group", name: "arn:web", states: {} },
      ]);
    },
  );

  it.each(["InvalidTarget", "InvalidTargetException", "InvalidInstance", "InvalidEndPointException"])(
    "throws what a target group refuses: %s",
    async (name) => {
      const { sim, deps } = createReleaseWorld();
      sim.once(modern, () => Promise.reject(new SimFault(name, 400, "It cannot be a target of this group.")));

      const loaded = loadHealthSources(deps, { ...resources, elbs: [] }, ["i-1"]);

      await expect(loaded).rejects.toMatchObject({ name, message: "It cannot be a target of this group." });
    },
  );

  it("sends no request without servers", async () => {
    const { sim, deps } = createReleaseWorld();

    expect(await loadHealthSources(deps, resources, [])).toMatchObject([{ states: {} }, { states: {} }]);
    expect(sim.calls).toEqual([]);
  });

  it("throws what else AWS answers", async () => {
    const { sim, deps } = createReleaseWorld();
    sim.once(classic, () => Promise.reject(new SimFault("AccessPointNotFoundException", 400, "No load balancer.")));

    await expect(loadHealthSources(deps, resources, ["i-1"])).rejects.toThrow("No load balancer.");
  });
});
