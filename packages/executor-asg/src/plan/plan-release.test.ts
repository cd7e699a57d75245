import { describe, expect, it } from "vitest";
import { parseRelease } from "../document/parse-release.ts";
import type { Release } from "../document/release.ts";
import { aDocument, anAutoscaling, aRelease, aService, type Changes, TARGET } from "../testing/builders.ts";
import { createReleaseWorld, type ReleaseWorld } from "../testing/release-world.ts";
import { compareReleases, planOffline, planRelease } from "./plan-release.ts";

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

  it("has the figures with the problems, all of them", async () => {
    const planned = await plan(createReleaseWorld(), { ami: "none", subnets: ["none"] });

    expect(planned.problems).toEqual([
      { code: "release-subnet-not-found", message: 'Service(web) Error: Subnet "none" was not found.' },
      { code: "release-image-missing", message: expect.stringMatching(/^Service\(web\) Error: Image: image is nil/) },
    ]);
    expect(planned.services[0]).toMatchObject({ desired: 1, targetLaunched: 1, targetHealthy: 1 });
    expect(planned.services[0]).not.toHaveProperty("resources");
  });

  it("warns when the account has no room for the groups, and does not warn when it may not check", async () => {
    const full = createReleaseWorld();
    full.addOldGroup({ service: "web" });
    full.sim.autoScaling.set({ quotas: { groups: 1, configurations: 200 } });
    const silent = createReleaseWorld();
    silent.sim.once("AutoScaling.DescribeAccountLimits", async () => {
      throw Object.assign(new Error("no"), { name: "AccessDenied" });
    });

    expect((await plan(full)).warnings).toEqual([
      { message: "The account has 1 of at most 1 Auto Scaling groups, and the release creates 1 more." },
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

describe("planOffline", () => {
  it("gives the figures of each service, with the group before where there is one", () => {
    const autoscaling = anAutoscaling({ min_size: 2, max_size: 10, spread: 0.5 });
    const api = aService({ service_name: "api", autoscaling });
    const web = aService({ autoscaling, depends_on: ["worker"] });
    const worker = aService({ service_name: "worker" });

    expect(planOffline(aRelease({ services: { web, worker, api } }), { web: 6 })).toEqual([
      {
        service: "api",
        serviceId: "org/shop-production-2026-01-01T00-00-00Z-api",
        strategy: "AllAtOnce",
        desired: 2,
        targetLaunched: 3,
        targetHealthy: 2,
        initial: { min: 2, desired: 3, max: 10 },
        steps: [],
      },
      {
        service: "worker",
        serviceId: "org/shop-production-2026-01-01T00-00-00Z-worker",
        strategy: "AllAtOnce",
        desired: 1,
        targetLaunched: 1,
        targetHealthy: 1,
        initial: { min: 1, desired: 1, max: 1 },
        steps: [],
      },
      {
        service: "web",
        serviceId: "org/shop-production-2026-01-01T00-00-00Z-web",
        strategy: "AllAtOnce",
        previous: 6,
        desired: 6,
        targetLaunched: 9,
        targetHealthy: 3,
        initial: { min: 2, desired: 9, max: 10 },
        steps: [],
      },
    ]);
  });

  it("takes a group before of −1, and one of a service that is not there, for none", () => {
    const plans = planOffline(aRelease(), { web: -1, worker: 5 });

    expect(plans).toHaveLength(1);
    expect(plans[0]).not.toHaveProperty("previous");
    expect(plans[0]).toMatchObject({ desired: 1 });
  });
});

const WEB = "/services/web";
const SCALING = `${WEB}/autoscaling`;

const base: Changes = {
  [`${WEB}/elbs`]: ["a", "b"],
  [`${WEB}/target_groups`]: ["t"],
  [`${WEB}/profile`]: "p",
  [`${WEB}/ebs_volume_size`]: 8,
  [`${WEB}/security_groups`]: ["a", "b"],
  [`${SCALING}/max_size`]: 9,
};

function release(changes: Changes = {}): Release {
  const parsed = parseRelease(aDocument({ ...base, ...changes }));
  if (parsed.kind === "refused") throw new Error(JSON.stringify(parsed.problems));
  return parsed.release;
}

const placesOf = (changes: Changes) => compareReleases(release(), release(changes)).map(({ pointer }) => pointer);

describe("compareReleases", () => {
  it.each<[string, Changes]>([
    ["/subnets", { "/subnets": ["private-a"] }],
    ["/services/web/security_groups", { [`${WEB}/security_groups`]: ["a"] }],
    ["/services/web/elbs", { [`${WEB}/elbs`]: undefined }],
    ["/services/web/target_groups", { [`${WEB}/target_groups`]: ["t", "u"] }],
    ["/services/web/profile", { [`${WEB}/profile`]: undefined }],
    ["/services/web/ebs_volume_size", { [`${WEB}/ebs_volume_size`]: 9 }],
    ["/services/web/ebs_volume_type", { [`${WEB}/ebs_volume_type`]: "gp2" }],
    ["/services/web/ebs_device_name", { [`${WEB}/ebs_device_name`]: "/dev/sda1" }],
    ["/services/web/ebs_iops", { [`${WEB}/ebs_iops`]: 4000 }],
    ["/services/web/ebs_encrypted", { [`${WEB}/ebs_encrypted`]: true }],
    ["/services/web/instance_types", { [`${WEB}/instance_types`]: ["t3a.small"] }],
    ["/services/web/subnets", { [`${WEB}/subnets`]: ["private-a", "private-b"] }],
    ["/services/web/associate_public_ip_address", { [`${WEB}/associate_public_ip_address`]: false }],
    ["/services/web/instance_type", { [`${WEB}/instance_type`]: "t3.large" }],
    ["/services/web/autoscaling/min_size", { [`${SCALING}/min_size`]: 2 }],
    ["/services/web/autoscaling/max_size", { [`${SCALING}/max_size`]: 10 }],
    ["/services/web/autoscaling/max_terms", { [`${SCALING}/max_terms`]: 1 }],
    ["/services/web/autoscaling/default_cooldown", { [`${SCALING}/default_cooldown`]: 300 }],
    ["/services/web/autoscaling/health_check_grace_period", { [`${SCALING}/health_check_grace_period`]: 5 }],
    ["/services/web/autoscaling/spread", { [`${SCALING}/spread`]: 0.5 }],
  ])("sees %s", (pointer, changes) => {
    expect(placesOf(changes)).toEqual([pointer]);
  });

  it.each<[string, Changes]>([
    ["the image", { "/ami": "other" }],
    ["the user data", { "/user_data_sha256": "ff" }],
    ["tags", { [`${WEB}/tags/a`]: "b" }],
    ["the strategy", { [`${SCALING}/strategy`]: "OneThenAllWithCanary" }],
    ["policies", { [`${SCALING}/policies`]: [{ type: "cpu_scale_up" }] }],
    ["hooks", { "/lifecycle/a": { transition: "autoscaling:EC2_INSTANCE_LAUNCHING", role: "r", sns: "t" } }],
    ["the price of spot capacity", { [`${WEB}/spot_price`]: "1" }],
    ["placement", { [`${WEB}/placement_tenancy`]: "dedicated" }],
    ["the detach strategy", { "/detach_strategy": "SkipDetach" }],
    ["metadata", { "/metadata/a": "b" }],
    ["ids and times", { "/release_id": "r2", "/created_at": "2026-03-05T00:00:00Z" }],
    ["the order of lists", { "/subnets": ["private-b", "private-a"], [`${WEB}/elbs`]: ["b", "a"] }],
    ["values that equal the defaults", { "/timeout": 600, [`${SCALING}/min_size`]: 1 }],
  ])("does not see %s", (_, changes) => {
    expect(placesOf(changes)).toEqual([]);
  });

  it("takes null for absent, and no list for an empty one", () => {
    const { services, ...rest } = release({ [`${WEB}/profile`]: undefined, [`${WEB}/elbs`]: undefined });
    const { elbs: _, ...web } = { ...services["web"], profile: null };
    const stored: Release = JSON.parse(JSON.stringify({ ...rest, services: { web } }));

    expect(compareReleases(stored, { ...rest, services })).toEqual([]);
    expect(compareReleases({ ...rest, services }, stored)).toEqual([]);
  });

  it("sees the grace period with the timeout that it comes from", () => {
    expect(placesOf({ "/timeout": 900 })).toEqual(["/timeout", `${SCALING}/health_check_grace_period`]);
  });

  it("sees services that are new, and those that are gone", () => {
    const service = { instance_type: "t3.small", security_groups: ["a"] };

    expect(compareReleases(release(), release({ "/services": { api: service } }))).toEqual([
      { pointer: "/services/api", message: "Service(api) is new." },
      { pointer: "/services/web", message: "Service(web) was removed." },
    ]);
  });

  it("says what was, and what would be", () => {
    const next = release({ "/subnets": ["b", "c"], [`${WEB}/profile`]: undefined, [`${SCALING}/spread`]: 0.5 });

    expect(compareReleases(release(), next).map(({ message }) => message)).toEqual([
      '/subnets was ["private-a","private-b"], and would be ["b","c"].',
      "/services/web/profile was p, and would be not given.",
      "/services/web/autoscaling/spread was 0, and would be 0.5.",
    ]);
  });
});
