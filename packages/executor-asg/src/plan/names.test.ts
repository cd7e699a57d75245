import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PRESETS } from "../presets.ts";
import { aRelease, aService, aState, someLaunchFacts } from "../testing/builders.ts";
import {
  findProjectFault,
  serviceId,
  toAlarmName,
  toExecutionName,
  toExecutionPrefix,
  toGroupName,
  toLetters,
  toPolicyName,
  toReleaseId,
  toReleaseTags,
  toTemplateName,
} from "./names.ts";

const release = {
  project_name: "coinbase/deploy-test",
  config_name: "development",
  created_at: "2020-01-02T03:04:05Z",
};

describe("serviceId", () => {
  it("is made of project, config, time and service", () => {
    expect(serviceId(release, "web")).toBe("coinbase/deploy-test-development-2020-01-02T03-04-05Z-web");
  });

  it("takes a service, too", () => {
    expect(serviceId(release, { service_name: "web" })).toBe(serviceId(release, "web"));
  });

  it.each([
    ["2020-01-02T03:04:05.999Z", "2020-01-02T03-04-05Z"],
    ["2020-01-02T03:04:05+02:00", "2020-01-02T01-04-05Z"],
    ["2019-12-31T23:30:00.5-01:00", "2020-01-01T00-30-00Z"],
  ])("has %s in UTC to the second", (created_at, stamp) => {
    expect(serviceId({ ...release, created_at }, "web")).toBe(`coinbase/deploy-test-development-${stamp}-web`);
  });

  it("has what the first generation draws, its service first", () => {
    const draw = { at: Date.parse("2020-05-06T07:08:09.123Z"), letters: "abcdefg" };

    expect(serviceId(release, "web", draw)).toBe("coinbase/deploy-test-development-web-2020-05-06T07-08-09Z-abcdefg");
  });

  it("cannot be made of a release without a time", () => {
    expect(() => serviceId({ ...release, created_at: "" }, "web")).toThrow(RangeError);
  });
});

const at = Date.parse("2026-03-04T05:06:07.890Z");

const key = { aws_account_id: "1", project_name: "acme/shop", config_name: "prod", release_id: "r1" };

describe("toExecutionName", () => {
  it("begins with the prefix of the project-config, without slashes", () => {
    expect(toExecutionPrefix(key)).toBe("deploy-acme-shop-prod-");
    expect(toExecutionName(key, at, "abcdefg")).toBe("deploy-acme-shop-prod-2026-03-04T05-06-07Z-abcdefg");
  });

  it("has 80 characters where project and config have as many as they may", () => {
    const longest = { project_name: "p".repeat(21), config_name: "c".repeat(22) };

    expect(toExecutionName(longest, at, "abcdefg")).toHaveLength(80);
    expect(findProjectFault(longest)).toBeUndefined();
    expect(findProjectFault({ ...longest, config_name: "c".repeat(23) })).toBe(
      "project_name and config_name have 44 characters together, and 43 are the limit: shorten one.",
    );
  });
});

describe("toReleaseId", () => {
  it("has a time and letters", () => {
    const letters = toLetters(() => 0.999);

    expect(toReleaseId(at, letters)).toBe("release-2026-03-04T05-06-07Z-zzzzzzz");
    expect(toLetters(() => 0)).toBe("aaaaaaa");
  });
});

describe("toGroupName", () => {
  it("is of the document alone", () => {
    const name = toGroupName(aRelease(), aService(), { state: aState(), constants: PRESETS.odin });

    expect(name).toBe("org/shop-production-2026-01-01T00-00-00Z-web");
  });

  it("is drawn in the first generation, and the same for one execution", () => {
    const draw = (uuid: string) =>
      toGroupName(aRelease(), aService(), { state: aState({ uuid }), constants: PRESETS["step-asg-deployer"] });

    expect(draw("one")).toMatch(/^org\/shop-production-web-2026-01-01T00-00-10Z-[a-z]{7}$/);
    expect(draw("one")).toBe(draw("one"));
    expect(draw("one")).not.toBe(draw("two"));
  });
});

describe("toReleaseTags", () => {
  it("says whose a thing is, of which release, and under which lock it was made", () => {
    expect(toReleaseTags(someLaunchFacts())).toEqual({
      ProjectName: "org/shop",
      ConfigName: "production",
      ServiceName: "web",
      ReleaseID: "release-2",
      ReleaseUUID: "release-2026-01-01T00-00-10Z-abcdefg",
      Name: "org/shop-production-2026-01-01T00-00-00Z-web",
      "stackyard:fencing-token": "7",
    });
  });

  it("keeps the service's own tags, except those that are the deployer's", () => {
    const service = aService({ tags: { Team: "shop", ReleaseID: "mine", Name: "mine" } });

    expect(toReleaseTags(someLaunchFacts({ service }))).toMatchObject({
      Team: "shop",
      ReleaseID: "release-2",
      Name: "org/shop-production-2026-01-01T00-00-00Z-web",
    });
  });

  it("names who deploys what instead of what, in characters that every service takes", () => {
    const facts = someLaunchFacts({
      state: aState({ previous_release_id: "release-1" }),
      actor: { name: "Ada <ada@example.org>", revision: "4f1c".repeat(100) },
    });

    expect(toReleaseTags(facts)).toMatchObject({
      "stackyard:previous-release": "release-1",
      "stackyard:actor": "Ada _ada@example.org_",
      "stackyard:revision": "4f1c".repeat(64),
    });
  });

  it("has no more tags than a group may have", () => {
    const tags = Object.fromEntries(Array.from({ length: 43 }, (_, index) => [`tag-${index}`, ""]));
    const facts = someLaunchFacts({
      service: aService({ tags }),
      state: aState({ previous_release_id: "release-1" }),
      actor: { name: "ada" },
    });

    const ours = Object.keys(toReleaseTags(facts)).filter((key) => !key.startsWith("tag-"));

    expect(ours).toEqual([
      ...["ProjectName", "ConfigName", "ServiceName", "ReleaseID", "ReleaseUUID", "Name", "stackyard:fencing-token"],
    ]);
  });

  it("has no tag for unknown values", () => {
    const { fencing_token: _, ...state } = aState();

    expect(Object.keys(toReleaseTags(someLaunchFacts({ state }))).filter((key) => key.includes(":"))).toEqual([]);
  });

  it("names servers of the first generation by their release", () => {
    const facts = someLaunchFacts({ constants: PRESETS["step-asg-deployer"] });

    expect(toReleaseTags(facts)["Name"]).toBe("org/shop-production-web-release-2");
  });
});

const ID = "org/shop-production-2026-01-01T00-00-00Z-web";

describe("toTemplateName", () => {
  it("is the group's name", () => {
    expect(toTemplateName(ID)).toBe(ID);
  });

  it("is cut where the group's is too long for EC2, and still another for another group", () => {
    const [one, two] = ["web", "api"].map((service) => toTemplateName(`${"x".repeat(200)}-${service}`));

    expect(one).toHaveLength(128);
    expect(one).not.toBe(two);
  });

  it("is a name that EC2 takes, whatever the group is called", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (name) => {
        expect(toTemplateName(name)).toMatch(/^[a-zA-Z0-9().\-/_]{3,128}$/);
      }),
    );
  });
});

describe("toPolicyName and toAlarmName", () => {
  it("are one, of the group's name, the type and the policy's own name", () => {
    expect(toPolicyName(ID, { type: "cpu_scale_up" }, PRESETS.odin)).toBe(`${ID}-cpu_scale_up`);
    expect(toPolicyName(ID, { type: "cpu_scale_up", name: "fast" }, PRESETS.odin)).toBe(`${ID}-cpu_scale_up-fast`);
    expect(toAlarmName(ID, { type: "cpu_scale_up", name: "fast" })).toBe(`${ID}-cpu_scale_up-fast`);
  });

  it("differ in the first generation, whose policies were called by their type", () => {
    const policy = { type: "cpu_scale_down" } as const;

    expect(toPolicyName(ID, policy, PRESETS["step-asg-deployer"])).toBe("cpu_scale_down");
    expect(toAlarmName(ID, policy)).toBe(`${ID}-cpu_scale_down`);
  });
});
