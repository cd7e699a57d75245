import { describe, expect, it } from "vitest";
import { hashUserData } from "../plan/user-data.ts";
import { PRESETS, type PresetName } from "../presets.ts";
import { ReleaseError } from "../release-errors.ts";
import {
  aDocument,
  aHook,
  anAutoscaling,
  aRelease,
  aSeedDocument,
  aService,
  type Changes,
  TARGET,
} from "../testing/builders.ts";
import { createReleaseWorld, type ReleaseWorld } from "../testing/release-world.ts";
import { type ValidateInput, validateRelease, validateResources } from "./validate.ts";

const USER_DATA = "#!/bin/sh\necho {{RELEASE_ID}}\n";

function setUp({ userData = USER_DATA, changes = {} }: { userData?: string | undefined; changes?: Changes } = {}) {
  const world = createReleaseWorld();
  const id = "release-9";
  const document = aDocument({
    "/release_id": id,
    "/created_at": new Date(world.clock.now()).toISOString(),
    "/user_data_sha256": hashUserData(userData),
    ...changes,
  });
  world.memory.documents.set(id, structuredClone(document));
  world.memory.userData.set(id, userData);
  return {
    world,
    id,
    document,
    validate: (input: Partial<ValidateInput> = {}) => validate(world.deps, { document, ...input }),
  };
}

type World = ReturnType<typeof createReleaseWorld>;

async function validate(deps: World["deps"], input: ValidateInput) {
  try {
    return await validateRelease(deps, input);
  } catch (error) {
    if (error instanceof ReleaseError) return `${error.errorClass}: ${error.message}`;
    throw error;
  }
}

describe("validateRelease", () => {
  it("begins an execution of its own, whatever the document says of one", async () => {
    const { validate, world } = setUp({ changes: { "/uuid": "mine", "/started_at": "2020-01-01T00:00:00Z" } });

    const work = await validate();

    expect(work).toMatchObject({
      release: { release_id: "release-9" },
      state: {
        started_at: new Date(world.clock.now()).toISOString(),
        healthy: false,
        wait_for_detach: 0,
        services: { web: { healthy: false, stable: 0 } },
      },
    });
    expect(work).toMatchObject({ state: { uuid: expect.stringMatching(/^release-.*Z-[a-z]{7}$/) } });
  });

  it("takes a document for the same whatever the order of its keys, and with another task", async () => {
    const { validate, world, id, document } = setUp();
    world.memory.documents.set(id, Object.fromEntries(Object.entries(document).reverse()));

    expect(await validate({ document: { ...document, Task: "Validate" } })).toMatchObject({
      release: { release_id: id },
    });
  });

  it.each<[string, unknown]>([
    ["another value", { changes: { ami: "other" } }],
    ["a default that is said", { changes: { timeout: 600 } }],
    ["no object", "stored"],
    ["a list", []],
    ["null", null],
  ])("rejects a second channel with %s", async (_, stored) => {
    const { validate, world, id, document } = setUp();
    const isChange = typeof stored === "object" && stored !== null && "changes" in stored;
    world.memory.documents.set(id, isChange ? { ...document, ...Object(stored.changes) } : stored);

    expect(await validate()).toMatch(/^BadReleaseError: /);
  });

  it("rejects a release that is not in its bucket", async () => {
    const { validate, world } = setUp();
    world.memory.documents.clear();

    expect(await validate()).toMatch(/^BadReleaseError: Release\(release-9\) Error: Its document is not in /);
  });

  it.each(["loadDocument", "loadUserData"] as const)("rejects what cannot be read by %s", async (what) => {
    const { validate, world } = setUp();
    Object.assign(world.memory, { [what]: () => Promise.reject(new Error("Access Denied")) });

    expect(await validate()).toMatch(/^BadReleaseError: .*: Access Denied$/);
  });

  it("rejects user data that is not there, or another one than the document says", async () => {
    const { validate, world, id } = setUp();
    world.memory.userData.set(id, `${USER_DATA}# more`);
    const other = await validate();
    world.memory.userData.clear();

    expect(other).toMatch(
      /^BadReleaseError: Release\(release-9\) Error: The user data has the SHA-256 [0-9a-f]{64}, and/,
    );
    expect(await validate()).toMatch(/^BadReleaseError: Release\(release-9\) Error: Its user data is not in /);
  });

  it("rejects user data that EC2 would not take, before anything is locked", async () => {
    const { validate } = setUp({ userData: "x".repeat(16_385) });

    expect(await validate()).toBe(
      "BadReleaseError: Release(release-9) Error: Service(web) Error: The rendered user data has 16385 bytes; EC2 accepts 16384. Load the rest from a bucket.",
    );
  });

  it("warns of what looks like a secret", async () => {
    const { validate, world } = setUp({ userData: "PASSWORD=correct-horse" });
    await validate();

    expect(world.lines).toEqual([
      "warning: Line 1 of the user data looks like a password or token, and others can read it. Load it when the server boots.",
    ]);
  });

  it("reports the class of what cannot be decoded", async () => {
    const { validate, document } = setUp();

    expect(await validate({ document: { ...document, timeout: "600" } })).toMatch(/^UnmarshalError: /);
    expect(await validate({ document: { ...document, timeout: 172_801 } })).toMatch(/^BadReleaseError: /);
  });

  it("hashes seed documents without what they do not know", async () => {
    const { deps, memory, clock } = createReleaseWorld({ constants: PRESETS["step-asg-deployer"] });
    const document = aSeedDocument({ "/release_id": "r9", "/created_at": new Date(clock.now()).toISOString() });
    memory.documents.set("r9", { ...document, unknown: 1 });

    expect(await validate(deps, { document })).toMatchObject({ release: { release_id: "r9" } });
  });
});

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

  it("requests only the groups of the project-config", async () => {
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
      'Service(web) Error: Image: image is nil: image "b*" does not exist in this account and region.',
    ]);
  });

  it("looks up nothing for a hook that only EventBridge is notified of", async () => {
    const world = createReleaseWorld();
    const ready = { name: "ready", transition: "autoscaling:EC2_INSTANCE_LAUNCHING" } as const;
    await validateResources(world.deps, world.work({ lifecycle: { ready } }));

    expect([...world.inputs("IAM.GetRole"), ...world.inputs("SNS.GetTopicAttributes")]).toEqual([]);
  });

  it("reports everything at once", async () => {
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
      expect.stringContaining('Release(release-2) Error: Image: image is nil: image "none" does not exist'),
      'Release(release-2) Error: LifeCycle(ready): Role "none" does not exist in this account.',
      'Release(release-2) Error: LifeCycle(ready): Topic "arn:aws:sns:eu-west-1:111122223333:none" does not exist.',
      'Service(web) Error: Security group "none" was not found.',
      'Service(web) Error: ELB: classic load balancer "none" does not exist in this account and region.',
      'Service(web) Error: Target group: target group "none" does not exist in this account and region.',
      'Service(web) Error: Profile: instance profile "none" does not exist in this account.',
      expect.stringMatching(/^Service\(api\) Error: Security group "web" does not belong to the service by its tags/),
    ]);
  });

  it.each<[string, (world: ReleaseWorld) => Over, RegExp]>([
    ["an id of no image", () => ({ ami: "ami-00000000000000000" }), /image is nil/],
    ["an empty name of an image", () => ({ ami: "" }), /image is nil/],
    [
      "an id of no subnet",
      () => ({ subnets: ["subnet-00000000000000000"] }),
      /not all of subnet-0+ exist in this account/,
    ],
    ["a topic without its role", () => ({ lifecycle: { ready: noRole() } }), /looked up by name/],
    ["no subnet at all", () => ({ subnets: [] }), /at least one/],
  ])("rejects %s", async (_, toOver, message) => {
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
  ])("rejects %s", async (_, prepare, message) => {
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
  ])("rejects %s of another owner", async (_, toOver, message) => {
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

  it("throws what AWS answers to every call, and reports one rejected call among the other problems", async () => {
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
      expect.stringContaining('classic load balancer "none" does not exist'),
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

  it("shows people its warnings", async () => {
    const world = createReleaseWorld();
    world.addOldGroup({ service: "web", releaseId: "release-0", tags: { "stackyard:retired-at": "2026-01-01" } });

    await validateResources(world.deps, world.work());

    expect(world.lines).toEqual([expect.stringMatching(/^warning: Group ".*" is kept for a rollback/)]);
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

  it("reports everything that it must not change", async () => {
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
    ["does not exist", undefined],
    ["breaks a rule", { ...document, services: {} }],
  ])("rejects where the document before %s", async (text, before) => {
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

// The first use of each client loads the SDK, which a test must not measure.
await validateResources(createReleaseWorld().deps, { ...createReleaseWorld().work(), release: aRelease() }).catch(
  () => undefined,
);

const ALL = { ProjectName: "_all", ConfigName: "_all", ServiceName: "_all" };
const OTHERS = { ProjectName: "org/other", ConfigName: "production", ServiceName: "web" };

/** Whether a release of one service with these settings is accepted, under a preset. */
async function isAllowed(
  preset: PresetName,
  ask: (world: ReleaseWorld) => Parameters<typeof aService>[0],
): Promise<boolean> {
  const world = createReleaseWorld({ constants: PRESETS[preset] });
  const work = world.work({ services: { web: aService(ask(world)) } });
  try {
    await validateResources(world.deps, work);
    return true;
  } catch (error) {
    if (error instanceof ReleaseError && error.errorClass === "BadReleaseError") return false;
    throw error;
  }
}

function securityGroup(tags: Readonly<Record<string, string>>) {
  return ({ sim }: ReleaseWorld) => {
    sim.ec2.addSecurityGroup({ ...PLACE, tags: { Name: "asked", ...tags } });
    return { security_groups: ["asked"] };
  };
}

function targetGroup(tags: Readonly<Record<string, string>>) {
  return ({ sim }: ReleaseWorld) => {
    sim.loadBalancing.addTargetGroup({ ...PLACE, name: "asked", tags });
    return { target_groups: ["asked"] };
  };
}

function classic(tags: Readonly<Record<string, string>>) {
  return ({ sim }: ReleaseWorld) => {
    sim.classicLoadBalancing.addLoadBalancer({ ...PLACE, name: "asked", tags });
    return { elbs: ["asked"] };
  };
}

function profile(path: string) {
  return ({ sim }: ReleaseWorld) => {
    sim.iam.addInstanceProfile({ account: PLACE.account, name: "asked", path });
    return { profile: "asked" };
  };
}

const OWN = { ProjectName: "org/shop", ConfigName: "production", ServiceName: "web" };
const FOR_US = { ...OTHERS, AllowedService: "org/shop::production::web" };

describe("validateResources under the presets of both generations", () => {
  it.each<[string, (world: ReleaseWorld) => object, odin: boolean, seed: boolean]>([
    ["its own security group", securityGroup(OWN), true, true],
    ["a security group of all", securityGroup(ALL), true, false],
    ["a security group of all its services", securityGroup({ ...OWN, ServiceName: "_all" }), true, false],
    ["a security group of another project", securityGroup(OTHERS), false, false],
    [
      "a security group without a tag",
      securityGroup({ ProjectName: "org/shop", ConfigName: "production" }),
      false,
      false,
    ],
    ["its own classic load balancer", classic(OWN), true, true],
    ["a classic load balancer that allows it", classic(FOR_US), false, false],
    ["its own target group", targetGroup(OWN), true, true],
    ["a target group of another project that allows it", targetGroup(FOR_US), true, false],
    [
      "a target group that allows it and has no owner",
      targetGroup({ AllowedService: FOR_US.AllowedService }),
      false,
      false,
    ],
    [
      "a target group of its own that allows another owner",
      targetGroup({ ...OWN, AllowedService: "a::b::c" }),
      true,
      true,
    ],
    ["a profile of the service", profile("/odin/org/shop/production/web/"), true, false],
    ["a profile of all services", profile("/odin/org/shop/production/_all/"), true, false],
    ["a profile of all configs", profile("/odin/org/shop/_all/_all/"), true, false],
    ["a profile of all", profile("/odin/_all/_all/_all/"), true, false],
    ["a profile that is open in the middle", profile("/odin/org/shop/_all/web/"), false, false],
    ["a profile of the first generation", profile("/org/shop/production/web/"), false, true],
  ])("judges %s", async (_, ask, odin, seed) => {
    expect([await isAllowed("odin", ask), await isAllowed("step-asg-deployer", ask)]).toEqual([odin, seed]);
  });

  it("takes for the image's and the subnets' opt-in the deployer's own value", async () => {
    const { sim, deps, work } = createReleaseWorld({ constants: PRESETS.odin });
    const ami = sim.ec2.addImage({ ...PLACE, tags: { DeployWith: "step-asg-deployer" } });

    await expect(validateResources(deps, work({ ami }))).rejects.toThrow(
      'has the tag "DeployWith" with "step-asg-deployer"',
    );
  });

  it("knows the groups that were tagged in the older spelling", async () => {
    const world = createReleaseWorld();
    world.addOldGroup({ service: "web", desired: 4, tags: { ReleaseID: "", ReleaseId: "release-0" } });

    expect(await validateResources(world.deps, world.work())).toMatchObject({
      previous_release_id: "release-0",
      services: { web: { previous_desired_capacity: 4 } },
    });
  });
});
