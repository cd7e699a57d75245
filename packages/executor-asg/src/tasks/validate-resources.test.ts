import { describe, expect, it } from "vitest";
import { ReleaseError } from "../release-error.ts";
import { aHook, anAutoscaling, aRelease, aService, TARGET } from "../testing/a-release.ts";
import { createReleaseWorld, type ReleaseWorld } from "../testing/a-release-world.ts";
import { validateResources } from "./validate-resources.ts";

type Over = Parameters<ReleaseWorld["work"]>[0];

/** The lines of the refusal of a release that differs so; none: it is not refused. */
async function refusalOf(world: ReleaseWorld, over?: Over): Promise<readonly string[]> {
  const error = await validateResources(world.deps, world.work(over)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) return [];
  if (!(error instanceof ReleaseError)) throw error;
  expect(error.errorClass).toBe("BadReleaseError");
  return error.message.split("\n");
}

const PLACE = { account: TARGET.account, region: TARGET.region };
const SHARED = { DeployWith: "odin" };

describe("validateResources", () => {
  it("gives each service the ids of what it names, and what it replaces", async () => {
    const world = createReleaseWorld({ slowStartSeconds: 30 });
    const old = world.addOldGroup({ service: "web", desired: 3 });
    const web = aService({ elbs: ["web"], target_groups: ["web"], profile: "web" });
    const api = aService({ service_name: "api", security_groups: ["api"] });
    const work = world.work({ services: { web, api } });

    const state = await validateResources(world.deps, work);

    const { ids } = world;
    expect(state).toEqual({
      ...work.state,
      wait_for_detach: 30,
      previous_release_id: "release-1",
      services: {
        api: {
          healthy: false,
          stable: 0,
          resources: {
            image: ids.image,
            subnets: ids.subnets,
            security_groups: [ids.securityGroups["api"]],
            elbs: [],
            target_group_arns: [],
          },
        },
        web: {
          healthy: false,
          stable: 0,
          previous_desired_capacity: 3,
          resources: {
            image: ids.image,
            subnets: ids.subnets,
            security_groups: [ids.securityGroups["web"]],
            elbs: ["web"],
            target_group_arns: [ids.targetGroups["web"]],
            profile_arn: ids.profiles["web"],
            prev_asg_arn: old,
          },
        },
      },
    });
  });

  it("only reads", async () => {
    const world = createReleaseWorld();
    const placement = { placement_group_name: "odin/org/shop/production", placement_group_strategy: "spread" } as const;
    const everything = { elbs: ["web"], target_groups: ["web"], profile: "web", ...placement };

    await validateResources(world.deps, world.work({ services: { web: aService(everything) } }));

    const operations = world.sim.calls.map(({ operation }) => operation.split(".")[1]);
    expect(operations.filter((name) => !/^(Describe|Get)/.test(name ?? ""))).toEqual([]);
  });

  it("asks for the groups of the project-config alone", async () => {
    const world = createReleaseWorld();

    await validateResources(world.deps, world.work());

    expect(world.inputs("AutoScaling.DescribeAutoScalingGroups")[0]?.["Filters"]).toEqual([
      { Name: "tag:ProjectName", Values: ["org/shop"] },
      { Name: "tag:ConfigName", Values: ["production"] },
    ]);
  });

  it("finds image and subnets by their ids, and by their names", async () => {
    const world = createReleaseWorld();
    const [first] = world.ids.subnets;

    const { services } = await validateResources(
      world.deps,
      world.work({ ami: world.ids.image, subnets: ["private-b", first] }),
    );

    expect(services["web"]?.resources).toMatchObject({
      image: world.ids.image,
      subnets: [world.ids.subnets[1], first],
    });
  });

  it("gives a service its own image and subnets", async () => {
    const world = createReleaseWorld();
    const image = world.sim.ec2.addImage({ ...PLACE, tags: { Name: "other", ...SHARED } });
    const services = { web: aService({ ami: "other", subnets: ["private-b"] }) };

    const state = await validateResources(world.deps, world.work({ services }));

    expect(state.services["web"]?.resources).toMatchObject({ image, subnets: [world.ids.subnets[1]] });
  });

  it("takes the name of a thing for itself, also where it has wildcards", async () => {
    const world = createReleaseWorld();

    expect(await refusalOf(world, { ami: "b*" })).toEqual([
      'Service(web) Error: Image: image is nil: there is no image "b*" in this account and region.',
    ]);
  });

  it("looks up nothing for a hook that EventBridge alone is told of", async () => {
    const world = createReleaseWorld();
    const ready = { name: "ready", transition: "autoscaling:EC2_INSTANCE_LAUNCHING" } as const;
    await validateResources(world.deps, world.work({ lifecycle: { ready } }));

    expect([...world.inputs("IAM.GetRole"), ...world.inputs("SNS.GetTopicAttributes")]).toEqual([]);
  });

  it("tells everything at once", async () => {
    const world = createReleaseWorld();
    world.addOldGroup({ service: "web", releaseId: "release-2" });
    const services = {
      web: aService({ security_groups: ["none"], elbs: ["none"], target_groups: ["none"], profile: "none" }),
      api: aService({ service_name: "api", security_groups: ["web"] }),
    };
    const lifecycle = {
      ready: aHook({ role: "none", notification_target_arn: "arn:aws:sns:eu-west-1:111122223333:none" }),
    };

    const lines = await refusalOf(world, { ami: "none", subnets: ["private-a", "none"], services, lifecycle });

    expect(lines).toEqual([
      expect.stringMatching(/^Release\(release-2\) Error: Release "release-2" has Auto Scaling groups already/),
      'Release(release-2) Error: Subnet "none" was not found.',
      expect.stringContaining('Release(release-2) Error: Image: image is nil: there is no image "none"'),
      'Release(release-2) Error: LifeCycle(ready): There is no role "none" in this account.',
      'Release(release-2) Error: LifeCycle(ready): There is no topic "arn:aws:sns:eu-west-1:111122223333:none".',
      'Service(web) Error: Security group "none" was not found.',
      'Service(web) Error: ELB: there is no classic load balancer "none" in this account and region.',
      'Service(web) Error: Target group: there is no target group "none" in this account and region.',
      'Service(web) Error: Profile: there is no instance profile "none" in this account.',
      expect.stringMatching(/^Service\(api\) Error: Security group "web" does not belong to the service by its tags/),
    ]);
  });

  it.each<[string, (world: ReleaseWorld) => Over, RegExp]>([
    ["an id of no image", () => ({ ami: "ami-00000000000000000" }), /image is nil/],
    ["an empty name of an image", () => ({ ami: "" }), /image is nil/],
    ["an id of no subnet", () => ({ subnets: ["subnet-00000000000000000"] }), /not all of subnet-0+ are subnets/],
    ["a topic without its role", () => ({ lifecycle: { ready: noRole() } }), /looked up by name/],
    ["no subnet at all", () => ({ subnets: [] }), /at least one/],
  ])("refuses %s", async (_, toOver, message) => {
    const world = createReleaseWorld();

    expect(await refusalOf(world, toOver(world))).toEqual([expect.stringMatching(message)]);
  });

  it.each<[string, (world: ReleaseWorld) => void, RegExp]>([
    [
      "two images of one name",
      ({ sim }) => void sim.ec2.addImage({ ...PLACE, tags: { Name: "base", ...SHARED } }),
      /"base" is the name of 2 images/,
    ],
    [
      "two subnets of one name",
      ({ sim }) => void sim.ec2.addSubnet({ ...PLACE, tags: { Name: "private-a", ...SHARED } }),
      /"private-a" is the name of 2/,
    ],
    [
      "two security groups of one name",
      ({ sim }) => void sim.ec2.addSecurityGroup({ ...PLACE, tags: { Name: "web" } }),
      /"web" is the name of 2/,
    ],
    ["two groups of one service", (world) => addTwo(world), /web/],
    [
      "a group without its service",
      (world) => void world.addOldGroup({ service: "web", tags: { ServiceName: "" } }),
      /ServiceName/,
    ],
  ])("refuses %s", async (_, prepare, message) => {
    const world = createReleaseWorld();
    prepare(world);

    expect((await refusalOf(world)).join("\n")).toMatch(message);
  });

  it.each<[string, (world: ReleaseWorld) => Over, RegExp]>([
    [
      "an image",
      ({ sim }) => ({ ami: sim.ec2.addImage({ ...PLACE, tags: {} }) }),
      /Image ami-\w+ has no tag "DeployWith"/,
    ],
    [
      "a subnet",
      ({ sim }) => ({ subnets: [sim.ec2.addSubnet({ ...PLACE, tags: { DeployWith: "other" } })] }),
      /Subnet subnet-\w+ has the tag "DeployWith" with "other"/,
    ],
    [
      "a security group",
      () => ({ services: web({ security_groups: ["api"] }) }),
      /ServiceName must be "web" and is "api"/,
    ],
    ["a classic load balancer", () => ({ services: web({ elbs: ["api"] }) }), /Load balancer "api" does not belong/],
    ["a target group", () => ({ services: web({ target_groups: ["api"] }) }), /Target group "api" does not belong/],
    ["a profile", () => ({ services: web({ profile: "api" }) }), /has the path "\/odin\/org\/shop\/production\/api\/"/],
    [
      "the name of a placement group",
      () => ({ services: web({ placement_group_name: "odin/other", placement_group_strategy: "spread" }) }),
      /cannot be created/,
    ],
  ])("refuses %s of somebody else", async (_, toOver, message) => {
    const world = createReleaseWorld();

    expect(await refusalOf(world, toOver(world))).toEqual([expect.stringMatching(message)]);
  });

  it("sees the security group behind the first page", async () => {
    const world = createReleaseWorld();
    world.sim.limit("EC2", { perSecond: 100_000 });
    for (let index = 0; index < 1_100; index += 1) {
      world.sim.ec2.addSecurityGroup({ ...PLACE, tags: { Name: `other-${index}` } });
    }

    expect(await refusalOf(world)).toEqual([]);
  });

  it("throws what AWS answers to every call, and tells of one refused call among the other problems", async () => {
    const denied = createReleaseWorld();
    denied.sim.once("IAM.GetInstanceProfile", async () => {
      throw Object.assign(new Error("User is not authorized"), {
        name: "AccessDenied",
        $metadata: { httpStatusCode: 403 },
      });
    });
    const away = createReleaseWorld();
    away.sim.once("EC2.DescribeSubnets", async () => {
      throw Object.assign(new Error("Request limit exceeded."), { name: "RequestLimitExceeded" });
    });
    const services = web({ profile: "web", elbs: ["none"] });

    expect(await refusalOf(denied, { services })).toEqual([
      expect.stringContaining('no classic load balancer "none"'),
      expect.stringMatching(
        /Looking up instance profile "web" failed. AccessDenied: User is not authorized.*Allow the call/,
      ),
    ]);
    expect(await refusalOf(away, { services })).toEqual([
      expect.stringMatching(/^Looking up subnets .* failed. RequestLimitExceeded: Request limit exceeded/),
    ]);
  });

  it("takes a slow start that cannot be read for none", async () => {
    const world = createReleaseWorld({ slowStartSeconds: 30 });
    world.sim.once("ElasticLoadBalancingV2.DescribeTargetGroupAttributes", async () => {
      throw Object.assign(new Error("no"), { name: "AccessDenied" });
    });

    const state = await validateResources(world.deps, world.work({ services: web({ target_groups: ["web"] }) }));

    expect(state.wait_for_detach).toBe(0);
  });

  it("tells people what it warns of", async () => {
    const world = createReleaseWorld();
    world.addOldGroup({ service: "web", releaseId: "release-0", tags: { "stackyard:retired-at": "2026-01-01" } });

    await validateResources(world.deps, world.work());

    expect(world.lines).toEqual([expect.stringMatching(/^warning: Group ".*" was kept for a rollback/)]);
  });
});

describe("validateResources of a safe release", () => {
  const document = {
    project_name: "org/shop",
    config_name: "production",
    release_id: "release-1",
    ami: "base",
    timeout: 600,
    created_at: "2025-12-31T00:00:00Z",
    subnets: ["private-a", "private-b"],
    user_data_sha256: "0".repeat(64),
    services: { web: { instance_type: "t3.micro", security_groups: ["web"] } },
  };

  it("has nothing to compare with without a group before", async () => {
    expect(await refusalOf(createReleaseWorld(), { safe_release: true })).toEqual([]);
  });

  it("takes one that changes nothing of it", async () => {
    const world = createReleaseWorld();
    world.addOldGroup({ service: "web" });
    world.memory.documents.set("release-1", document);

    expect(await refusalOf(world, { safe_release: true })).toEqual([]);
  });

  it("tells everything that it must not change", async () => {
    const world = createReleaseWorld();
    world.addOldGroup({ service: "web" });
    world.memory.documents.set("release-1", document);
    const services = web({ instance_type: "t3.large", autoscaling: anAutoscaling({ max_size: 2 }) });

    const lines = await refusalOf(world, { safe_release: true, services });

    expect(lines).toEqual([
      expect.stringMatching(/^Release\(release-2\) Error: Safe release: .*instance_type/),
      expect.stringMatching(/^Release\(release-2\) Error: Safe release: .*max_size/),
    ]);
  });

  it.each([
    ["is not there", undefined],
    ["breaks a rule", { ...document, services: {} }],
  ])("refuses where the document before %s", async (text, before) => {
    const world = createReleaseWorld();
    world.addOldGroup({ service: "web" });
    if (before !== undefined) world.memory.documents.set("release-1", before);

    expect(await refusalOf(world, { safe_release: true })).toEqual([expect.stringContaining(text)]);
  });

  it("does not ask where it need not be safe", async () => {
    const world = createReleaseWorld();
    world.addOldGroup({ service: "web" });

    expect(await refusalOf(world)).toEqual([]);
  });
});

function web(over: Parameters<typeof aService>[0]) {
  return { web: aService(over) };
}

function noRole() {
  const { role: _, ...hook } = aHook();
  return hook;
}

function addTwo(world: ReleaseWorld): void {
  world.addOldGroup({ service: "web", releaseId: "release-0" });
  world.addOldGroup({ service: "web", releaseId: "release-1" });
}

// The first use of each client loads the SDK, which is no part of what a test measures.
await validateResources(createReleaseWorld().deps, { ...createReleaseWorld().work(), release: aRelease() }).catch(
  () => undefined,
);
