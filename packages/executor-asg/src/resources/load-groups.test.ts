import { describe, expect, it } from "vitest";
import { TARGET } from "../testing/builders.ts";
import { createReleaseWorld, type ReleaseWorld } from "../testing/release-world.ts";
import { loadGroups, loadGroupsNamed } from "./load-groups.ts";

const OWNER = { project_name: "org/shop", config_name: "production" };

function addGroups({ sim }: ReleaseWorld, names: readonly string[], tags: Readonly<Record<string, string>>): void {
  for (const name of names) {
    sim.autoScaling.addGroup({ account: TARGET.account, region: TARGET.region, name, desired: 0, tags });
  }
}

function namesOf(groups: readonly { readonly AutoScalingGroupName?: string | undefined }[]): readonly string[] {
  return groups.map(({ AutoScalingGroupName = "" }) => AutoScalingGroupName);
}

const OURS = { ProjectName: "org/shop", ConfigName: "production" };

describe("loadGroups", () => {
  it("finds all groups of a project-config, over pages, by name", async () => {
    const world = createReleaseWorld();
    const names = Array.from({ length: 120 }, (_, index) => `group-${String(index).padStart(3, "0")}`);
    addGroups(world, names.toReversed(), OURS);

    const groups = await loadGroups(world.deps, OWNER);

    expect(namesOf(groups)).toEqual(names);
    expect(world.inputs("AutoScaling.DescribeAutoScalingGroups")).toHaveLength(2);
  });

  it("leaves out whose tags are only like those", async () => {
    const world = createReleaseWorld();
    addGroups(world, ["ours"], OURS);
    addGroups(world, ["other-config"], { ...OURS, ConfigName: "production-eu" });
    addGroups(world, ["other-project"], { ...OURS, ProjectName: "org/shop2" });
    addGroups(world, ["untagged"], {});

    expect(namesOf(await loadGroups(world.deps, OWNER))).toEqual(["ours"]);
  });

  it("does not rely on the filter", async () => {
    const world = createReleaseWorld();
    addGroups(world, ["ours"], OURS);
    world.sim.once("AutoScaling.DescribeAutoScalingGroups", async (proceed) => {
      const { AutoScalingGroups } = Object(await proceed());
      return { AutoScalingGroups: [...AutoScalingGroups, { AutoScalingGroupName: "anybody's", Tags: [] }] };
    });

    expect(namesOf(await loadGroups(world.deps, OWNER))).toEqual(["ours"]);
  });
});

describe("loadGroupsNamed", () => {
  it("finds those that stand", async () => {
    const world = createReleaseWorld();
    addGroups(world, ["a", "b", "c"], {});

    expect(namesOf(await loadGroupsNamed(world.deps, ["c", "a", "d"]))).toEqual(["a", "c"]);
  });

  it("asks nothing without names, since that would mean all", async () => {
    const world = createReleaseWorld();
    addGroups(world, ["a"], {});

    expect(await loadGroupsNamed(world.deps, [])).toEqual([]);
    expect(world.sim.calls).toEqual([]);
  });
});
