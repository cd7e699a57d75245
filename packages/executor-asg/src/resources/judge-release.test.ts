import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { describe, expect, it } from "vitest";
import type { ReleaseLookUps, ServiceLookUps } from "../lookups/load-release-look-ups.ts";
import { PRESETS } from "../release-constants.ts";
import { aRelease, aService } from "../testing/a-release.ts";
import { found, notFound, ownTags, someLookUps } from "../testing/some-look-ups.ts";
import { judgeRelease } from "./judge-release.ts";

const API = aService({ service_name: "api", security_groups: ["api"] });
const RELEASE = aRelease({ services: { web: aService(), api: API } });

/** Both services find all they ask for. */
function looksOf(over: Partial<ReleaseLookUps> & { readonly each?: Partial<ServiceLookUps> } = {}): ReleaseLookUps {
  const { each, ...rest } = over;
  const tags = ownTags({ ServiceName: "api" });
  const api = { service: API, securityGroups: found([{ id: "sg-2", name: "api", tags, vpc: "vpc-1" }]) };
  return { groups: found([]), services: [someLookUps({ ...api, ...each }), someLookUps(each)], ...rest };
}

function judge(looks: ReleaseLookUps) {
  return judgeRelease(looks, RELEASE, PRESETS.odin);
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

describe("judgeRelease", () => {
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
    const looks = { groups: found([]), services: [someLookUps({ service })] };

    const { services } = judgeRelease(looks, release, PRESETS.odin);

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
    const [api = someLookUps(), web = someLookUps()] = looksOf().services;
    const elbs = [notFound("release-load-balancer-missing", "No balancer.")];

    const { problems, services } = judge(looksOf({ services: [api, { ...web, elbs }] }));

    expect(problems).toEqual([{ code: "release-load-balancer-missing", message: "Service(web) Error: No balancer." }]);
    expect(services["api"]?.resources?.security_groups).toEqual(["sg-2"]);
    expect(services["web"]).toEqual({});
  });

  it("tells what stands in the way first, then what is missing, then what is refused", () => {
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

  it("warns of groups that nobody owns and of groups that were kept, each once", () => {
    const kept = aGroup("kept", { "stackyard:retired-at": "2026-01-01T00:00:00Z" });

    expect(judge(looksOf({ groups: found([kept]) })).warnings).toEqual([
      'Group "kept" was kept for a rollback. It is deleted before anything is created.',
    ]);
  });
});
