import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RELEASE_TAGS } from "../plan/names.ts";
import { findPredecessors, type GroupFacts, sortGroups } from "./groups.ts";

const RELEASE = {
  project_name: "org/app",
  config_name: "production",
  release_id: "r-2",
  services: { web: {}, worker: {} },
};

/** A group of the release before; a tag that is `undefined` is taken away. */
function aGroup(
  service: string,
  tags: Readonly<Record<string, string | undefined>> = {},
  more: Partial<GroupFacts> = {},
): GroupFacts {
  const all = { ProjectName: "org/app", ConfigName: "production", ServiceName: service, ReleaseID: "r-1", ...tags };
  const present = Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]));
  return { name: `app-${service}`, desired: 3, tags: Object.fromEntries(present), ...more };
}

const find = (groups: readonly GroupFacts[]) => findPredecessors(groups, RELEASE);
const codesOf = (groups: readonly GroupFacts[]) => {
  const found = find(groups);
  return found.kind === "refused" ? found.problems.map(({ code }) => code) : found.kind;
};
const nothing = { kind: "found", previous: {}, old: [], retired: [], unowned: [] };

describe("findPredecessors", () => {
  it("finds nothing where there is nothing", () => {
    expect(find([])).toEqual(nothing);
  });

  it("finds the previous group of each service, and all that will go", () => {
    const [web, api] = [aGroup("web"), aGroup("api", { ReleaseID: "r-0" })];

    expect(find([web, api])).toEqual({
      kind: "found",
      previous: { web },
      old: [web, api],
      retired: [],
      unowned: [],
      previousReleaseId: "r-0",
    });
  });

  it.each([
    ["another project", aGroup("web", { ProjectName: "org/other" })],
    ["a project whose name begins so", aGroup("web", { ProjectName: "org/app2" })],
    ["another config", aGroup("web", { ConfigName: "production-eu" })],
    ["no config", aGroup("web", { ConfigName: undefined })],
    ["every project, by a wildcard", aGroup("web", { ProjectName: "_all" })],
    ["a group that is being deleted", aGroup("web", {}, { status: "Delete in progress" })],
  ])("leaves out %s", (_name, group) => {
    expect(find([group])).toEqual(nothing);
  });

  it("rejects a release id that is there already", () => {
    expect(find([aGroup("web", { ReleaseID: "r-2" })])).toEqual({
      kind: "refused",
      problems: [
        {
          class: "BadReleaseError",
          code: "release-already-deployed",
          message: 'Release "r-2" has Auto Scaling groups already: "app-web". Use another release id.',
        },
      ],
      retired: [],
      unowned: [],
    });
  });

  it("reads the older spelling of the release id where the newer is missing or empty", () => {
    expect(codesOf([aGroup("web", { ReleaseID: undefined, ReleaseId: "r-2" })])).toEqual(["release-already-deployed"]);
    expect(codesOf([aGroup("web", { ReleaseID: "", ReleaseId: "r-2" })])).toEqual(["release-already-deployed"]);
    expect(find([aGroup("web", { ReleaseID: undefined, ReleaseId: "r-0" })])).toMatchObject({
      previousReleaseId: "r-0",
    });
    expect(find([aGroup("web", { ReleaseId: "r-2" })])).toMatchObject({ kind: "found", previousReleaseId: "r-1" });
  });

  it("does not know the older spelling under the seed's rules", () => {
    const group = aGroup("web", { ReleaseID: undefined, ReleaseId: "r-0" });
    const found = findPredecessors([group], RELEASE, "step-asg-deployer");

    expect(found).toMatchObject({ kind: "refused", problems: [{ code: "group-without-release" }] });
  });

  it("rejects groups of an unknown service", () => {
    expect(codesOf([aGroup("web", { ServiceName: undefined })])).toEqual(["group-without-service"]);
    expect(codesOf([aGroup("")])).toEqual(["group-without-service"]);
  });

  it("rejects two groups of one service, even of one that the release does not have", () => {
    expect(codesOf([aGroup("web"), aGroup("web", { ReleaseID: "r-0" })])).toEqual(["groups-of-one-service"]);
    expect(codesOf([aGroup("api"), aGroup("api")])).toEqual(["groups-of-one-service"]);
  });

  it("rejects a previous group that is of no release", () => {
    expect(codesOf([aGroup("web", { ReleaseID: undefined })])).toEqual(["group-without-release"]);
    expect(codesOf([aGroup("web", { ReleaseID: "" })])).toEqual(["group-without-release"]);
  });

  it("lists, and does not touch, a group of another service that is of no release", () => {
    const stray = aGroup("api", { ReleaseID: undefined });

    expect(find([stray, aGroup("web")])).toMatchObject({ kind: "found", old: [aGroup("web")], unowned: [stray] });
  });

  it("lists groups that are kept for a rollback, and does not follow them", () => {
    const kept = aGroup("web", { [RELEASE_TAGS.retiredAt]: "2026-03-04T05:06:07Z", ReleaseID: "r-0" });

    expect(find([kept])).toEqual({ ...nothing, retired: [kept] });
    expect(find([kept, aGroup("web")])).toMatchObject({
      kind: "found",
      previous: { web: aGroup("web") },
      retired: [kept],
    });
  });

  it("says everything at once, in its order", () => {
    const groups = [
      ...[aGroup("worker", { ReleaseID: undefined }), aGroup("api"), aGroup("api")],
      ...[aGroup("x", { ServiceName: undefined }), aGroup("web", { ReleaseID: "r-2" })],
    ];

    expect(codesOf(groups)).toEqual([
      ...["release-already-deployed", "group-without-service", "groups-of-one-service", "group-without-release"],
    ]);
  });

  it("has the same answer in whatever order the groups are listed", () => {
    const groups = [aGroup("web"), aGroup("api", { ReleaseID: "r-0" }), aGroup("worker", { ReleaseID: "r-3" })];
    fc.assert(
      fc.property(fc.shuffledSubarray(groups, { minLength: 3 }), (shuffled) => {
        expect(find(shuffled)).toMatchObject({
          previous: { web: groups[0], worker: groups[2] },
          previousReleaseId: "r-0",
        });
      }),
    );
  });

  it("never panics, whatever the tags are", () => {
    const tag = fc.option(fc.constantFrom("org/app", "production", "web", "r-1", "r-2", "", "__proto__"), {
      nil: undefined,
    });
    const keys = ["ProjectName", "ConfigName", "ServiceName", "ReleaseID", "ReleaseId", RELEASE_TAGS.retiredAt];
    const tags = fc.record(Object.fromEntries(keys.map((key) => [key, tag])));
    fc.assert(
      fc.property(
        fc.array(
          tags.map((each) => aGroup("web", each)),
          { maxLength: 5 },
        ),
        (groups) => {
          const { own, old, retired, unowned } = sortGroups(groups, RELEASE);
          const sorted = [...own, ...old, ...retired, ...unowned];

          expect(new Set(sorted).size).toBe(sorted.length);
          expect(sorted).toHaveLength(
            groups.filter(({ tags }) => tags["ProjectName"] === "org/app" && tags["ConfigName"] === "production")
              .length,
          );
          expect(["found", "refused"]).toContain(find(groups).kind);
        },
      ),
    );
  });
});

describe("sortGroups", () => {
  it("has groups of this release as its own even where they are kept", () => {
    const kept = aGroup("web", { ReleaseID: "r-2", [RELEASE_TAGS.retiredAt]: "2026-03-04T05:06:07Z" });

    expect(sortGroups([kept], RELEASE)).toEqual({ own: [kept], old: [], retired: [], unowned: [] });
  });
});
