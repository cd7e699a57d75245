import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { describe, expect, it } from "vitest";
import type { TargetTrackingPolicy } from "../document/release.ts";
import { PRESETS } from "../presets.ts";
import { anAutoscaling, aRelease, aService, aServiceLookups, found, notFound, ownTags } from "../testing/builders.ts";
import {
  evaluateRelease,
  evaluateService,
  findImageProblems,
  findImageWarnings,
  findNetworkProblems,
} from "./evaluate-release.ts";
import type { ImageFacts, ReleaseLookups, ServiceLookups } from "./lookups.ts";

const API = aService({ service_name: "api", security_groups: ["api"] });
const RELEASE = aRelease({ services: { web: aService(), api: API } });

/** Both services find all they ask for. */
function looksOf(over: Partial<ReleaseLookups> & { readonly each?: Partial<ServiceLookups> } = {}): ReleaseLookups {
  const { each, ...rest } = over;
  const tags = ownTags({ ServiceName: "api" });
  const api = { service: API, securityGroups: found([{ id: "sg-2", name: "api", tags, vpc: "vpc-1" }]) };
  return { groups: found([]), services: [aServiceLookups({ ...api, ...each }), aServiceLookups(each)], ...rest };
}

function judge(looks: ReleaseLookups) {
  return evaluateRelease(looks, RELEASE, PRESETS.odin);
}

function aGroup(name: string, tags: Readonly<Record<string, string>>): AutoScalingGroup {
  const all = { ...ownTags(), ReleaseID: "release-1", ...tags };
  const group: Partial<AutoScalingGroup> = {
    AutoScalingGroupName: name,
    DesiredCapacity: 3,
    Tags: Object.entries(all).map(([Key, Value]) => ({ Key, Value })),
  };
  // The SDK's type has more members that must be there than a look-up reads.
  return group as AutoScalingGroup;
}

describe("evaluateRelease", () => {
  it("finds the group that each service replaces, and the others that go", () => {
    const groups = found([aGroup("old-web", {}), aGroup("old-worker", { ServiceName: "worker" })]);

    const verdict = judge(looksOf({ groups }));

    expect(verdict).toMatchObject({ problems: [], warnings: [], previousReleaseId: "release-1" });
    expect(verdict.old.map(({ name }) => name)).toEqual(["old-web", "old-worker"]);
    expect(verdict.services["web"]).toMatchObject({
      previous: { name: "old-web", desired: 3 },
      resources: { prev_asg_arn: "old-web" },
    });
    expect(verdict.services["api"]).not.toHaveProperty("previous");
  });

  it("takes no group from what every object has", () => {
    const service = aService({ service_name: "constructor" });
    const release = aRelease({ services: { constructor: service } });
    const looks = { groups: found([]), services: [aServiceLookups({ service })] };

    const { services } = evaluateRelease(looks, release, PRESETS.odin);

    expect(services["constructor"]).not.toHaveProperty("previous");
    expect(services["constructor"]?.resources ?? {}).not.toHaveProperty("prev_asg_arn");
  });

  it("waits for the slowest start of all target groups", () => {
    const start = (slowStartSeconds: number) =>
      found({ arn: `arn:${slowStartSeconds}`, name: "web", tags: ownTags({ ServiceName: "_all" }), slowStartSeconds });

    expect(judge(looksOf({ each: { targetGroups: [start(30), start(90)] } })).waitForDetachSeconds).toBe(90);
    expect(judge(looksOf()).waitForDetachSeconds).toBe(0);
  });

  it("says once of the release what is wrong with what its services share", () => {
    const { problems, services } = judge(looksOf({ each: { image: notFound("release-image-missing", "No image.") } }));

    expect(problems).toEqual([{ code: "release-image-missing", message: "Release(release-2) Error: No image." }]);
    expect(services).toEqual({ api: {}, web: {} });
  });

  it("says of a service what is wrong with it alone, and still knows what the other one uses", () => {
    const [api = aServiceLookups(), web = aServiceLookups()] = looksOf().services;
    const elbs = [notFound("release-load-balancer-missing", "No balancer.")];

    const { problems, services } = judge(looksOf({ services: [api, { ...web, elbs }] }));

    expect(problems).toEqual([{ code: "release-load-balancer-missing", message: "Service(web) Error: No balancer." }]);
    expect(services["api"]?.resources?.security_groups).toEqual(["sg-2"]);
    expect(services["web"]).toEqual({});
  });

  it("reports first what blocks the release, then what is missing, then what is rejected", () => {
    const looks = looksOf({
      groups: found([aGroup("new-web", { ReleaseID: "release-2" })]),
      each: { image: found({ id: "ami-1", tags: {} }), profile: notFound("release-profile-missing", "No profile.") },
    });

    expect(judge(looks).problems.map(({ code }) => code)).toEqual([
      ...["release-already-deployed", "release-profile-missing", "release-image-not-opted-in"],
    ]);
  });

  it("has the answer of AWS where the groups could not be listed", () => {
    expect(judge(looksOf({ groups: notFound("release-look-up-failed", "Denied.") })).problems).toEqual([
      { code: "release-look-up-failed", message: "Release(release-2) Error: Denied." },
    ]);
  });

  it("warns of groups without an owner and of groups that were kept, each once", () => {
    const kept = aGroup("kept", { "stackyard:retired-at": "2026-01-01T00:00:00Z" });

    expect(judge(looksOf({ groups: found([kept]) })).warnings).toEqual([
      'Group "kept" is kept for a rollback. It is deleted before new groups are created.',
    ]);
  });
});

const SCOPE = {
  project: "org/shop",
  config: "production",
  service: "web",
  constants: PRESETS.odin,
  account: "111122223333",
};
const SUBNETS = ["private-a", "private-b"];

function evaluateWeb(over: Partial<ServiceLookups>, asked: readonly string[] = SUBNETS) {
  return evaluateService(aServiceLookups(over), asked, SCOPE);
}

/** Codes of what was not found, and of what may not be used. */
function codesOf(over: Partial<ServiceLookups>, asked?: readonly string[]) {
  const { missing, refused } = evaluateWeb(over, asked);
  return [missing, refused].map((problems) => problems.map(({ code }) => code));
}

describe("evaluateService", () => {
  it("gives the ids of what a service may use, in the order in which it names them", () => {
    const arn = "arn:aws:iam::111122223333:instance-profile/web";
    const verdict = evaluateWeb(
      {
        service: aService({ security_groups: ["web", "shared"], profile: "web" }),
        securityGroups: found([
          { id: "sg-2", name: "shared", tags: ownTags({ ServiceName: "_all" }) },
          { id: "sg-1", name: "web", tags: ownTags() },
        ]),
        elbs: [found({ name: "web", tags: ownTags() })],
        targetGroups: [found({ arn: "arn:tg", name: "web", tags: ownTags(), slowStartSeconds: 30 })],
        profile: found({ arn, name: "web", path: "/odin/org/shop/production/web/" }),
      },
      ["private-b", "subnet-1"],
    );

    expect(verdict).toEqual({
      missing: [],
      refused: [],
      warnings: [],
      resources: {
        image: "ami-1",
        profile_arn: arn,
        subnets: ["subnet-2", "subnet-1"],
        security_groups: ["sg-1", "sg-2"],
        elbs: ["web"],
        target_group_arns: ["arn:tg"],
      },
    });
  });

  it("reports everything that is missing in the order of the lookups, and evaluates no rule about it", () => {
    const gone = (code: string) => notFound(code, "It is not there.");
    const missing = {
      subnets: gone("subnets"),
      image: gone("image"),
      hooks: [gone("role"), gone("topic")],
      securityGroups: gone("groups"),
      elbs: [gone("elb")],
      targetGroups: [gone("target-group")],
      placement: gone("placement"),
      profile: gone("profile"),
    };

    expect(codesOf(missing)).toEqual([
      ["subnets", "image", "role", "topic", "groups", "elb", "target-group", "placement", "profile"],
      [],
    ]);
    expect(evaluateWeb(missing)).not.toHaveProperty("resources");
  });

  it("reports everything that may not be used in the order of the rules", () => {
    const tags = {};
    const strangers = {
      image: found({ id: "ami-1", tags }),
      profile: found({ arn: "arn:profile", name: "web", path: "/" }),
      subnets: found([{ id: "subnet-1", name: "private-a", tags }]),
      securityGroups: found([{ id: "sg-1", name: "web", tags }]),
      elbs: [found({ name: "web", tags })],
      targetGroups: [found({ arn: "arn:tg", name: "web", tags, slowStartSeconds: 0 })],
    };

    expect(codesOf(strangers, ["private-a"])).toEqual([
      [],
      [
        ...["release-image-not-opted-in", "release-profile-path-wrong", "release-subnet-not-opted-in"],
        ...["release-security-group-not-yours", "release-classic-load-balancer-not-yours"],
        "release-target-group-not-yours",
      ],
    ]);
  });

  it("matches subnets and security groups one by one", () => {
    expect(codesOf({}, ["private-a", "private-a"])[0]).toEqual([
      "release-subnet-repeated",
      "release-subnet-unexpected",
    ]);
    expect(codesOf({}, [])[0]).toEqual(["release-subnets-empty"]);
    expect(codesOf({ service: aService({ security_groups: ["web", "db"] }) })[0]).toEqual([
      "release-security-group-not-found",
    ]);
  });

  it("takes a placement group that will be made, and one that is as the document says", () => {
    const service = aService({ placement_group_name: "odin/org/shop/production", placement_group_strategy: "spread" });
    const available = { state: "available", strategy: "spread", tags: {} };

    expect(codesOf({ service, placement: found(undefined) })).toEqual([[], []]);
    expect(codesOf({ service, placement: found(available) })).toEqual([[], []]);
    expect(codesOf({ service, placement: found({ ...available, strategy: "cluster" }) })[1]).toEqual([
      "release-placement-group-differs",
    ]);
  });

  it("names a target group for a policy on its requests by the load balancer in front", () => {
    const policy: TargetTrackingPolicy = {
      type: "target_tracking",
      metric: "alb_requests_per_target",
      target_value: 100,
      target_group: "web",
    };
    const service = aService({ autoscaling: anAutoscaling({ policies: [policy] }) });
    const group = { arn: "arn:tg", name: "web", tags: ownTags(), slowStartSeconds: 0 };
    const requestLabel = "app/shop/1/targetgroup/web/2";

    expect(
      evaluateWeb({ service, targetGroups: [found({ ...group, requestLabel })] }).resources?.request_labels,
    ).toEqual({
      web: requestLabel,
    });
    expect(codesOf({ service, targetGroups: [found(group)] })[1]).toEqual(["release-target-group-unbalanced"]);
  });

  it("warns of what is open to every project", () => {
    const tags = { ProjectName: "_all", ConfigName: "_all", ServiceName: "_all" };

    const { warnings, resources } = evaluateWeb({ securityGroups: found([{ id: "sg-1", name: "web", tags }]) });

    expect(warnings).toEqual([expect.stringContaining("open to every project")]);
    expect(resources).toBeDefined();
  });
});

const inVpc = (vpc: string | undefined) => ({ tags: {}, ...(vpc !== undefined && { vpc }) });

describe("findNetworkProblems", () => {
  it("accepts resources of one VPC, or of an unknown VPC", () => {
    const looks = aServiceLookups({
      elbs: [found({ name: "web", ...inVpc("vpc-1") })],
      targetGroups: [found({ arn: "arn:tg", name: "web", slowStartSeconds: 0, ...inVpc(undefined) })],
    });

    expect(findNetworkProblems(looks)).toEqual([]);
    expect(findNetworkProblems({ ...looks, subnets: notFound("release-subnet-missing", "No.") })).toEqual([]);
  });

  it("rejects subnets of two VPCs", () => {
    const subnets = found([
      { id: "subnet-1", ...inVpc("vpc-1") },
      { id: "subnet-2", ...inVpc("vpc-2") },
    ]);

    expect(findNetworkProblems(aServiceLookups({ subnets }))).toEqual([
      {
        code: "release-subnets-apart",
        message: "Subnets must be of one VPC: subnet-1 in vpc-1, subnet-2 in vpc-2.",
      },
    ]);
  });

  it("names everything that is in another VPC than the subnets", () => {
    const looks = aServiceLookups({
      securityGroups: found([{ id: "sg-1", name: "web", ...inVpc("vpc-2") }]),
      elbs: [found({ name: "web", ...inVpc("vpc-3") }), notFound("release-load-balancer-missing", "No.")],
      targetGroups: [found({ arn: "arn:tg", name: "web", slowStartSeconds: 0, ...inVpc("vpc-4") })],
    });

    expect(findNetworkProblems(looks).map(({ message }) => message)).toEqual([
      'Security group "web" is in vpc-2, and the subnets are in vpc-1. They must be in one VPC.',
      'Load balancer "web" is in vpc-3, and the subnets are in vpc-1. They must be in one VPC.',
      'Target group "web" is in vpc-4, and the subnets are in vpc-1. They must be in one VPC.',
    ]);
  });
});

const OWNER = { account: "111122223333" };

function imageLookupsOf(image: Partial<ImageFacts>, types: readonly string[] = ["t3.micro"]) {
  const [instance_type = "", ...instance_types] = types;
  return { image: found({ id: "ami-1", tags: {}, ...image }), service: aService({ instance_type, instance_types }) };
}

describe("findImageProblems", () => {
  it.each(["pending", "failed", "deregistered"])("rejects an image that is %s", (state) => {
    expect(findImageProblems(imageLookupsOf({ state }))).toEqual([
      {
        code: "release-image-not-available",
        message: `Image ami-1 is ${state}. It can be used when it is available.`,
      },
    ]);
  });

  it("takes one that is available, and one of which nothing is known", () => {
    expect(findImageProblems(imageLookupsOf({ state: "available" }))).toEqual([]);
    expect(findImageProblems(imageLookupsOf({}))).toEqual([]);
  });

  it.each([
    ["x86_64", ["m6g.large", "t3.micro", "im4gn.large", "a1.medium"], "m6g.large, im4gn.large, a1.medium"],
    ["arm64", ["m6g.large", "g4dn.xlarge", "c7gn.large"], "g4dn.xlarge"],
  ])("names the types that cannot run an image for %s", (architecture, types, expected) => {
    expect(findImageProblems(imageLookupsOf({ architecture }, types))).toEqual([
      {
        code: "release-image-architecture",
        message: `Image ami-1 is for ${architecture}; instances of ${expected} have another architecture.`,
      },
    ]);
  });

  it.each([
    ["of Macs", "arm64_mac", "mac2.metal"],
    ["of a 32-bit image", "i386", "t2.micro"],
    ["of accelerators", "arm64", "p6e-gb200.36xlarge"],
    ["of a type whose name it does not know", "arm64", "odd"],
  ])("says nothing %s", (_, architecture, type) => {
    expect(findImageProblems(imageLookupsOf({ architecture }, [type]))).toEqual([]);
  });
});

describe("findImageWarnings", () => {
  it("reports an image of another account", () => {
    expect(findImageWarnings(imageLookupsOf({ owner: "999900001111" }), OWNER)).toEqual([
      "Image ami-1 belongs to account 999900001111, which decides what boots.",
    ]);
    expect(findImageWarnings(imageLookupsOf({ owner: OWNER.account }), OWNER)).toEqual([]);
  });

  it("has nothing to say of an image that is not there", () => {
    const looks = { ...imageLookupsOf({}), image: notFound("release-image-missing", "No.") };

    expect([findImageProblems(looks), findImageWarnings(looks, OWNER)]).toEqual([[], []]);
  });
});
