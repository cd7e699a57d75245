import { describe, expect, it } from "vitest";
import { PRESETS, type PresetName } from "../release-constants.ts";
import { ReleaseError } from "../release-error.ts";
import { aService, TARGET } from "../testing/a-release.ts";
import { createReleaseWorld, type ReleaseWorld } from "../testing/a-release-world.ts";
import { validateResources } from "./validate-resources.ts";

const PLACE = { account: TARGET.account, region: TARGET.region };
const ALL = { ProjectName: "_all", ConfigName: "_all", ServiceName: "_all" };
const OTHERS = { ProjectName: "org/other", ConfigName: "production", ServiceName: "web" };

/** Whether a release of one service that asks for this is let through, under a preset. */
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
      "a target group that allows it and is nobody's",
      targetGroup({ AllowedService: FOR_US.AllowedService }),
      false,
      false,
    ],
    [
      "a target group of its own that allows somebody else",
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
