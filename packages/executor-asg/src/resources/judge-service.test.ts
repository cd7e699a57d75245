import { describe, expect, it } from "vitest";
import type { TargetTrackingPolicy } from "../document/release.ts";
import type { ServiceLookUps } from "../lookups/load-release-look-ups.ts";
import { PRESETS } from "../release-constants.ts";
import { anAutoscaling, aService } from "../testing/a-release.ts";
import { found, notFound, ownTags, someLookUps } from "../testing/some-look-ups.ts";
import { judgeService } from "./judge-service.ts";

const SCOPE = {
  project: "org/shop",
  config: "production",
  service: "web",
  constants: PRESETS.odin,
  account: "111122223333",
};
const SUBNETS = ["private-a", "private-b"];

function judge(over: Partial<ServiceLookUps>, asked: readonly string[] = SUBNETS) {
  return judgeService(someLookUps(over), asked, SCOPE);
}

/** Codes of what was not found, and of what may not be used. */
function codesOf(over: Partial<ServiceLookUps>, asked?: readonly string[]) {
  const { missing, refused } = judge(over, asked);
  return [missing, refused].map((problems) => problems.map(({ code }) => code));
}

describe("judgeService", () => {
  it("gives the ids of what a service may use, in the order in which it names them", () => {
    const arn = "arn:aws:iam::111122223333:instance-profile/web";
    const verdict = judge(
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

  it("tells all that is missing in the order of the look-ups, and asks no rule about it", () => {
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
    expect(judge(missing)).not.toHaveProperty("resources");
  });

  it("tells all that may not be used in the order of the rules", () => {
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

    expect(judge({ service, targetGroups: [found({ ...group, requestLabel })] }).resources?.request_labels).toEqual({
      web: requestLabel,
    });
    expect(codesOf({ service, targetGroups: [found(group)] })[1]).toEqual(["release-target-group-unbalanced"]);
  });

  it("warns of what is open to every project", () => {
    const tags = { ProjectName: "_all", ConfigName: "_all", ServiceName: "_all" };

    const { warnings, resources } = judge({ securityGroups: found([{ id: "sg-1", name: "web", tags }]) });

    expect(warnings).toEqual([expect.stringContaining("open to every project")]);
    expect(resources).toBeDefined();
  });
});
