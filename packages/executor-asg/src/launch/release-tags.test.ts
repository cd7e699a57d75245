import { describe, expect, it } from "vitest";
import { PRESETS } from "../release-constants.ts";
import { aService, aState } from "../testing/a-release.ts";
import { someLaunchFacts } from "../testing/launch-facts.ts";
import { toReleaseTags } from "./release-tags.ts";

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

  it("has no tag for what is not known", () => {
    const { fencing_token: _, ...state } = aState();

    expect(Object.keys(toReleaseTags(someLaunchFacts({ state }))).filter((key) => key.includes(":"))).toEqual([]);
  });

  it("names servers of the first generation by their release", () => {
    const facts = someLaunchFacts({ constants: PRESETS["step-asg-deployer"] });

    expect(toReleaseTags(facts)["Name"]).toBe("org/shop-production-web-release-2");
  });
});
