import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PRESETS, type PresetName } from "../presets.ts";
import { authoriseResource, matchByName, type NamedResource, type Resource } from "./authorise.ts";

const P = "coinbase/deploy-test";
const OURS = { ProjectName: P, ConfigName: "development", ServiceName: "web" };

function authorise(resource: Resource, preset: PresetName = "odin") {
  const constants = PRESETS[preset];
  return authoriseResource(resource, { project: P, config: "development", service: "web", constants });
}

const authorised = { kind: "authorised", warnings: [] };
const codeOf = (...input: Parameters<typeof authorise>) => {
  const answer = authorise(...input);
  return answer.kind === "refused" ? answer.code : answer.kind;
};

describe("authoriseResource of images and subnets", () => {
  it("requires the opt-in tag of the installation", () => {
    for (const kind of ["image", "subnet"] as const) {
      const resource = { kind, name: "id-1" };

      expect(authorise({ ...resource, tags: { DeployWith: "odin" } })).toEqual(authorised);
      expect(authorise({ ...resource, tags: { DeployWith: "stackyard" } }, "stackyard")).toEqual(authorised);
      expect(codeOf({ ...resource, tags: { DeployWith: "odin" } }, "step-asg-deployer")).toBe(`${kind}-not-opted-in`);
      expect(codeOf({ ...resource, tags: { DeployWith: "_all" } })).toBe(`${kind}-not-opted-in`);
      expect(codeOf({ ...resource, tags: { deploywith: "odin" } })).toBe(`${kind}-not-opted-in`);
    }
  });

  it("says what the tag is and what it should be", () => {
    expect(authorise({ kind: "image", name: "ami-1", tags: {} })).toEqual({
      kind: "refused",
      code: "image-not-opted-in",
      message: 'Image ami-1 has no tag "DeployWith". It can be used when the tag is "odin".',
    });
    expect(authorise({ kind: "subnet", name: "subnet-1", tags: { DeployWith: "Odin" } })).toEqual({
      kind: "refused",
      code: "subnet-not-opted-in",
      message: 'Subnet subnet-1 has the tag "DeployWith" with "Odin". It can be used when the tag is "odin".',
    });
  });
});

describe.each(["security-group", "classic-load-balancer", "target-group"] as const)(
  "authoriseResource of a %s",
  (kind) => {
    const refused = `${kind}-not-yours`;
    const withTags = (tags: Record<string, string>): Resource => ({ kind, name: "it", tags });

    it("requires project, config and service", () => {
      expect(authorise(withTags(OURS))).toEqual(authorised);
      expect(authorise(withTags(OURS), "step-asg-deployer")).toEqual(authorised);
      for (const key of Object.keys(OURS)) {
        expect(codeOf(withTags({ ...OURS, [key]: "other" }))).toBe(refused);
        expect(codeOf(withTags({ ...OURS, [key]: "" }))).toBe(refused);
      }
    });

    it("does not take a missing tag for any", () => {
      for (const key of Object.keys(OURS) as (keyof typeof OURS)[]) {
        const { [key]: _gone, ...tags } = OURS;
        expect(codeOf(withTags(tags))).toBe(refused);
        expect(codeOf(withTags(tags), "step-asg-deployer")).toBe(refused);
      }
    });

    it("takes the wildcard on each tag by itself, where the installation has one", () => {
      for (const key of Object.keys(OURS)) {
        expect(authorise(withTags({ ...OURS, [key]: "_all" }))).toEqual(authorised);
        expect(codeOf(withTags({ ...OURS, [key]: "_all" }), "step-asg-deployer")).toBe(refused);
      }
      expect(codeOf(withTags({ ProjectName: "_all", ConfigName: "_all", ServiceName: "api" }))).toBe(refused);
    });

    it("reports what is open to every project", () => {
      const open = authorise(withTags({ ProjectName: "_all", ConfigName: "_all", ServiceName: "_all" }));

      expect(open).toEqual({ kind: "authorised", warnings: [expect.stringMatching(/"it" is open to every project/)] });
    });

    it("authorises exactly what the three tags say, whatever they are", () => {
      const value = fc.option(fc.constantFrom(P, "development", "web", "_all", "", "other"), { nil: undefined });
      fc.assert(
        fc.property(value, value, value, (project, config, service) => {
          const given = { ProjectName: project, ConfigName: config, ServiceName: service };
          const tags = Object.fromEntries(
            Object.entries(given).flatMap(([key, v]) => (v === undefined ? [] : [[key, v]])),
          );
          const isAny = (v: string | undefined, own: string) => v === own || v === "_all";
          const expected = isAny(project, P) && isAny(config, "development") && isAny(service, "web");

          expect(authorise(withTags(tags)).kind).toBe(expected ? "authorised" : "refused");
        }),
      );
    });
  },
);

describe("authoriseResource of a target group", () => {
  const foreign = { ProjectName: "other/app", ConfigName: "production", ServiceName: "lb" };
  const lent = `${P}::development::web`;
  const withTags = (tags: Record<string, string>): Resource => ({ kind: "target-group", name: "it", tags });

  it("may be lent to one service of another project", () => {
    expect(authorise(withTags({ ...foreign, AllowedService: lent }))).toEqual(authorised);
    expect(codeOf(withTags({ ...foreign, AllowedService: `${P}::development::api` }))).toBe("target-group-not-yours");
    expect(codeOf(withTags({ ...foreign, AllowedService: `${P}::development::_all` }))).toBe("target-group-not-yours");
    expect(codeOf(withTags({ ...foreign, AllowedService: "_all" }))).toBe("target-group-not-yours");
  });

  it("stays its owner's when it is lent to another owner", () => {
    expect(authorise(withTags({ ...OURS, AllowedService: "other/app::production::lb" }))).toEqual(authorised);
  });

  it("cannot be lent without an owner", () => {
    const { ServiceName: _gone, ...tags } = foreign;

    expect(codeOf(withTags({ ...tags, AllowedService: lent }))).toBe("target-group-not-yours");
    expect(authorise(withTags({ ...tags, ServiceName: "", AllowedService: lent }))).toEqual(authorised);
  });

  it("is the only kind that can be lent, and not under the seed's rules", () => {
    const tags = { ...foreign, AllowedService: lent };

    expect(codeOf({ kind: "security-group", name: "it", tags })).toBe("security-group-not-yours");
    expect(codeOf({ kind: "classic-load-balancer", name: "it", tags })).toBe("classic-load-balancer-not-yours");
    expect(codeOf(withTags(tags), "step-asg-deployer")).toBe("target-group-not-yours");
  });

  it("is rejected with all that is wrong", () => {
    expect(authorise(withTags({ ProjectName: P, ConfigName: "production" }))).toEqual({
      kind: "refused",
      code: "target-group-not-yours",
      message:
        'Target group "it" does not belong to the service by its tags: ConfigName must be "development" and is "production", ServiceName must be "web" and is missing.',
    });
  });
});

describe("authoriseResource of an instance profile", () => {
  const at = (path: string): Resource => ({ kind: "instance-profile", name: "p", path });

  it.each([
    `/odin/${P}/development/web/`,
    `/odin/${P}/development/_all/`,
    `/odin/${P}/_all/_all/`,
    "/odin/_all/_all/_all/",
  ])("takes the path %s", (path) => {
    expect(authorise(at(path))).toEqual(authorised);
  });

  it.each([
    "/",
    `/${P}/development/web/`,
    `/odin/${P}/_all/web/`,
    "/odin/_all/development/web/",
    "/odin/_all/_all/web/",
    `/odin/${P}/development/web`,
    `/odin/${P}/development/web/more/`,
    `/odin/${P}/development/api/`,
    `/odin/${P}/_all/`,
    `/stackyard/${P}/development/web/`,
  ])("rejects the path %s", (path) => {
    expect(codeOf(at(path))).toBe("profile-path-wrong");
  });

  it("takes exactly one path under the seed's rules", () => {
    expect(authorise(at(`/${P}/development/web/`), "step-asg-deployer")).toEqual(authorised);
    expect(codeOf(at(`/${P}/development/_all/`), "step-asg-deployer")).toBe("profile-path-wrong");
    expect(codeOf(at(`/odin/${P}/development/web/`), "step-asg-deployer")).toBe("profile-path-wrong");
  });

  it("uses the root of the installation", () => {
    expect(authorise(at(`/stackyard/${P}/development/web/`), "stackyard")).toEqual(authorised);
  });
});

describe("authoriseResource of a placement group", () => {
  const group = { kind: "placement-group", name: `odin/${P}/development/web`, strategy: "cluster" } as const;
  const found = { state: "available", strategy: "cluster" };

  it("may be created under the name of the project-config", () => {
    expect(authorise(group)).toEqual(authorised);
    expect(authorise({ ...group, name: `odin/${P}/development` })).toEqual(authorised);
    expect(authorise({ ...group, name: `stackyard/${P}/development/x` }, "stackyard")).toEqual(authorised);
  });

  it.each([
    `odin/${P}/development-eu`,
    `odin/${P}/production/web`,
    `stackyard/${P}/development/web`,
    `${P}/development/web`,
    "mine",
  ])("may not be created as %s", (name) => {
    expect(codeOf({ ...group, name })).toBe("placement-group-name-wrong");
  });

  it("may have any name when it is there, and had better say whose it is", () => {
    const tags = { ProjectName: P, ConfigName: "_all" };

    expect(authorise({ ...group, name: "mine", found: { ...found, tags } })).toEqual(authorised);
    expect(authorise({ ...group, name: "mine", found })).toEqual({
      kind: "authorised",
      warnings: [
        'Placement group "mine" has no owner tags, so every project may use it. Tag it with ProjectName and ConfigName.',
      ],
    });
  });

  it.each([{ ProjectName: "other" }, { ProjectName: P, ConfigName: "production" }, { ConfigName: "" }])(
    "must not be another's by its tags: %j",
    (tags) => {
      expect(codeOf({ ...group, name: "mine", found: { ...found, tags } })).toBe("placement-group-not-yours");
      expect(codeOf({ ...group, found: { ...found, tags } })).toBe("placement-group-not-yours");
    },
  );

  it.each(["pending", "deleting", "deleted", ""])("must be available, not %j", (state) => {
    expect(codeOf({ ...group, found: { ...found, state } })).toBe("placement-group-unusable");
  });

  it("must be what the document says", () => {
    expect(authorise({ ...group, found: { ...found, strategy: "spread" } })).toEqual({
      kind: "refused",
      code: "placement-group-differs",
      message: `Placement group "${group.name}" has the strategy "spread", not "cluster". Change the document, or use another name.`,
    });
  });

  it("must have as many partitions", () => {
    const parts = { ...group, strategy: "partition", partition_count: 3 } as const;
    const some = { state: "available", strategy: "partition" };

    expect(authorise({ ...parts, found: { ...some, partition_count: 3 } })).toEqual(authorised);
    expect(codeOf({ ...parts, found: { ...some, partition_count: 2 } })).toBe("placement-group-differs");
    expect(codeOf({ ...parts, found: some })).toBe("placement-group-differs");
    expect(authorise({ ...group, found: { ...found, partition_count: 7 } })).toEqual(authorised);
  });
});

const groups = (asked: readonly string[], found: readonly NamedResource[]) => {
  return matchByName({ kind: "security-group", asked, found });
};
const subnets = (asked: readonly string[], found: readonly NamedResource[]) => {
  return matchByName({ kind: "subnet", asked, found });
};
const messagesOf = (match: ReturnType<typeof matchByName>) => {
  return match.kind === "refused" ? match.problems.map(({ code, message }) => [code, message]) : match.kind;
};

const A = { id: "sg-a", name: "a" };
const B = { id: "sg-b", name: "b" };
const PRIVATE = { id: "subnet-00000001", name: "private-a" };
const OTHER = { id: "subnet-00000002", name: "private-b" };

describe("matchByName", () => {
  it("gives ids in the order asked", () => {
    expect(groups(["b", "a"], [A, B])).toEqual({ kind: "matched", ids: ["sg-b", "sg-a"] });
    expect(groups([], [])).toEqual({ kind: "matched", ids: [] });
  });

  it("takes subnets by name and by id at once", () => {
    expect(subnets(["private-b", PRIVATE.id], [PRIVATE, OTHER])).toEqual({
      kind: "matched",
      ids: [OTHER.id, PRIVATE.id],
    });
    expect(subnets([PRIVATE.id], [{ id: PRIVATE.id }])).toEqual({ kind: "matched", ids: [PRIVATE.id] });
  });

  it("takes what is too short for an id as a name", () => {
    expect(subnets(["subnet-"], [{ id: "subnet-1", name: "subnet-" }])).toEqual({ kind: "matched", ids: ["subnet-1"] });
  });

  it("does not take security groups by id", () => {
    expect(messagesOf(groups(["sg-a"], []))).toEqual([
      ["security-group-not-found", 'Security group "sg-a" was not found.'],
    ]);
  });

  it("rejects a count that is right by accident", () => {
    const twin = { id: "subnet-00000003", name: "private-a" };

    expect(messagesOf(subnets(["private-a", "private-b"], [PRIVATE, twin]))).toEqual([
      ["subnet-ambiguous", 'Subnet "private-a" is the name of 2: subnet-00000001, subnet-00000003. It must be one.'],
      ["subnet-not-found", 'Subnet "private-b" was not found.'],
    ]);
  });

  it("rejects one that is requested twice", () => {
    expect(messagesOf(subnets(["private-a", PRIVATE.id], [PRIVATE, PRIVATE]))).toEqual([
      ["subnet-repeated", "Subnet subnet-00000001 is listed twice."],
    ]);
    expect(messagesOf(groups(["a", "a"], [A]))).toEqual([
      ["security-group-repeated", "Security group sg-a is listed twice."],
    ]);
  });

  it("rejects what was not requested", () => {
    expect(messagesOf(groups(["a"], [A, B]))).toEqual([
      ["security-group-unexpected", 'Security group sg-b ("b") was not requested.'],
    ]);
  });

  it("rejects a security group without a name", () => {
    expect(messagesOf(groups(["a"], [A, { id: "sg-c" }]))).toEqual([
      ["security-group-unnamed", 'Security group sg-c has no tag "Name".'],
    ]);
  });

  it("matches exactly when each is found once and nothing is left", () => {
    const names = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 4 });
    fc.assert(
      fc.property(names, names, (asked, present) => {
        const found = present.map((name, index) => ({ id: `sg-${index}`, name }));
        const isOneToOne =
          asked.toSorted().join() === present.toSorted().join() && new Set(asked).size === asked.length;

        expect(groups(asked, found).kind).toBe(isOneToOne ? "matched" : "refused");
      }),
    );
  });
});
