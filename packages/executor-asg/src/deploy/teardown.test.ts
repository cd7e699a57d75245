import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { SimFault } from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { sortProjectGroups } from "./project-groups.ts";
import { unlessForbidden } from "./teardown.ts";

const onlooker = { project_name: "org/shop", config_name: "production", release_id: "release-2", fencing_token: 7 };

function aGroup(AutoScalingGroupName: string, tags: Record<string, string>, Status?: string): AutoScalingGroup {
  const all = { ProjectName: "org/shop", ConfigName: "production", ServiceName: "web", ...tags };
  const Tags = Object.entries(all).map(([Key, Value]) => ({ Key, Value }));
  return { AutoScalingGroupName, Tags, ...(Status && { Status }) } as AutoScalingGroup;
}

function sort(groups: readonly AutoScalingGroup[], over: object = {}): Record<string, readonly (string | undefined)[]> {
  const sorted = Object.entries(sortProjectGroups(groups, { ...onlooker, ...over }));
  const named = sorted.map(([key, list]) => [key, list.map((each: AutoScalingGroup) => each.AutoScalingGroupName)]);
  return Object.fromEntries(named.filter(([, list]) => list?.length));
}

describe("sortProjectGroups", () => {
  it("sorts by release, each list by name", () => {
    const groups = [
      aGroup("c", { ReleaseID: "release-1" }),
      aGroup("b", { ReleaseID: "release-2" }),
      aGroup("a", { ReleaseId: "release-0" }),
    ];

    expect(sort(groups)).toEqual({ own: ["b"], old: ["a", "c"] });
  });

  it("never includes groups of other project-configs", () => {
    const groups = [
      aGroup("a", { ReleaseID: "release-1", ConfigName: "production-eu" }),
      aGroup("b", { ReleaseID: "release-2", ProjectName: "org/shop2" }),
    ];

    expect(sort(groups)).toEqual({});
  });

  it("leaves a group without a release to people", () => {
    expect(sort([aGroup("a", {})])).toEqual({ unowned: ["a"] });
  });

  it("keeps apart what is kept for a rollback", () => {
    const tags = { ReleaseID: "release-1", "stackyard:retired-at": "2026-01-01T00:00:00.000Z" };

    expect(sort([aGroup("a", tags)])).toEqual({ retired: ["a"] });
  });

  it("keeps apart what is being deleted already", () => {
    const groups = [
      aGroup("a", { ReleaseID: "release-1" }, "Delete in progress"),
      aGroup("b", { ReleaseID: "release-2" }, "Delete in progress"),
    ];

    expect(sort(groups)).toEqual({ leavingOld: ["a"], leavingOwn: ["b"] });
  });

  it.each([
    ["6", "old"],
    ["7", "old"],
    ["8", "newer"],
    ["", "old"],
    ["x", "old"],
  ])("takes a group with the token %j for %s", (token, list) => {
    expect(sort([aGroup("a", { ReleaseID: "release-1", "stackyard:fencing-token": token })])).toEqual({
      [list]: ["a"],
    });
  });

  it("treats no release as newer when the locks returned no token", () => {
    const group = aGroup("a", { ReleaseID: "release-1", "stackyard:fencing-token": "99" });

    expect(sort([group], { fencing_token: undefined })).toEqual({ old: ["a"] });
  });
});

async function run(error?: Error): Promise<readonly string[]> {
  const lines: string[] = [];
  const report = (line: string) => void lines.push(line);
  await unlessForbidden({ logger: silentLogger, report }, "alarms", async () => {
    if (error !== undefined) throw error;
  });
  return lines;
}

describe("unlessForbidden", () => {
  it("says nothing where all went well", async () => {
    expect(await run()).toEqual([]);
  });

  it.each([
    ["AccessDenied", 403],
    ["UnauthorizedOperation", 403],
  ])("reports %s, and continues", async (name, status) => {
    expect(await run(new SimFault(name, status, "Not you."))).toEqual([
      'left behind: alarms. Grant the role the permission, and run "stackyard asg repair"',
    ]);
  });

  it("throws everything else", async () => {
    const error = new SimFault("Throttling", 400, "Rate exceeded");

    await expect(run(error)).rejects.toBe(error);
  });
});
