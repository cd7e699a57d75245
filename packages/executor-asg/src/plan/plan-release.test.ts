import { describe, expect, it } from "vitest";
import { anAutoscaling, aService, TARGET } from "../testing/a-release.ts";
import { createReleaseWorld, type ReleaseWorld } from "../testing/a-release-world.ts";
import { planRelease } from "./plan-release.ts";

function plan(world: ReleaseWorld, over?: Parameters<ReleaseWorld["work"]>[0]) {
  return planRelease(world.deps, world.work(over).release);
}

describe("planRelease", () => {
  it("says what would be created, of what, and what would go", async () => {
    const world = createReleaseWorld({ slowStartSeconds: 30 });
    const web = world.addOldGroup({ service: "web", desired: 4 });
    const worker = world.addOldGroup({ service: "worker" });
    const autoscaling = anAutoscaling({ min_size: 1, max_size: 10, spread: 0.5 });
    const services = { web: aService({ autoscaling, target_groups: ["web"] }) };

    const planned = await plan(world, { services });

    const { ids } = world;
    expect(planned).toEqual({
      predecessors: [web, worker],
      previousReleaseId: "release-1",
      waitForDetachSeconds: 30,
      problems: [],
      warnings: [],
      services: [
        {
          service: "web",
          serviceId: "org/shop-production-2026-01-01T00-00-00Z-web",
          strategy: "AllAtOnce",
          previous: 4,
          previousGroup: web,
          desired: 4,
          targetLaunched: 6,
          targetHealthy: 2,
          steps: [],
          initial: { min: 1, desired: 6, max: 10 },
          resources: {
            image: ids.image,
            subnets: ids.subnets,
            security_groups: [ids.securityGroups["web"]],
            elbs: [],
            target_group_arns: [ids.targetGroups["web"]],
            prev_asg_arn: web,
          },
        },
      ],
    });
  });

  it("changes nothing", async () => {
    const world = createReleaseWorld();

    await plan(world);

    expect(world.sim.calls.filter(({ operation }) => !/\.(Describe|Get)/.test(operation))).toEqual([]);
  });

  it("has the figures beside the problems, all of them", async () => {
    const planned = await plan(createReleaseWorld(), { ami: "none", subnets: ["none"] });

    expect(planned.problems).toEqual([
      { code: "release-subnet-not-found", message: 'Service(web) Error: Subnet "none" was not found.' },
      { code: "release-image-missing", message: expect.stringMatching(/^Service\(web\) Error: Image: image is nil/) },
    ]);
    expect(planned.services[0]).toMatchObject({ desired: 1, targetLaunched: 1, targetHealthy: 1 });
    expect(planned.services[0]).not.toHaveProperty("resources");
  });

  it("warns where the account has no room for the groups, and of nothing where nobody may ask", async () => {
    const full = createReleaseWorld();
    full.addOldGroup({ service: "web" });
    full.sim.autoScaling.set({ quotas: { groups: 1, configurations: 200 } });
    const silent = createReleaseWorld();
    silent.sim.once("AutoScaling.DescribeAccountLimits", async () => {
      throw Object.assign(new Error("no"), { name: "AccessDenied" });
    });

    expect((await plan(full)).warnings).toEqual([
      { message: "The account has 1 of at most 1 Auto Scaling groups, and the release makes 1 more." },
    ]);
    expect((await plan(silent)).warnings).toEqual([]);
  });

  it("throws where AWS cannot be asked at all", async () => {
    const world = createReleaseWorld();
    const client = () => {
      throw Object.assign(new Error("no"), { name: "CredentialsProviderError" });
    };
    const deps = { ...world.deps, target: { ...TARGET, client } };

    await expect(planRelease(deps, world.work().release)).rejects.toMatchObject({ releaseCode: "BAD_RELEASE" });
  });
});
