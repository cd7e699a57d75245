import { describe, expect, it } from "vitest";
import { sortGroups } from "../resources/sort-groups.ts";
import { findRollback } from "./find-rollback.ts";

const place = { partition: "aws", region: "eu-west-1", account: "111122223333" };
const owner = { project_name: "org/shop", config_name: "production", release_id: "" };

interface Given {
  readonly name: string;
  readonly releaseId?: string;
  readonly tags?: Record<string, string>;
}

function aGroup({ name, releaseId, tags }: Given) {
  const id = releaseId === undefined ? {} : { ReleaseID: releaseId };
  return { name, desired: 1, tags: { ProjectName: "org/shop", ConfigName: "production", ...id, ...tags } };
}

function kept(name: string, by: string, over: Record<string, string> = {}): Given {
  const tags = {
    "stackyard:retired-at": "2026-01-01T00:00:00.000Z",
    "stackyard:retired-by": by,
    "stackyard:retired-capacity": "1/3",
    "stackyard:retired-traffic": "elb/web",
    ...over,
  };
  return { name, releaseId: "release-1", tags };
}

function find(given: readonly Given[], releaseId?: string) {
  return findRollback({ groups: sortGroups(given.map(aGroup), owner), releaseId, place });
}

describe("findRollback", () => {
  it("goes back to the groups that were kept", () => {
    const given = [kept("old", "release-2"), { name: "new", releaseId: "release-2" }];

    expect(find(given)).toEqual({
      kind: "return",
      releaseId: "release-2",
      previousReleaseId: "release-1",
      kept: [{ name: "old", min: 1, desired: 3, elbs: ["web"], targetGroupArns: [] }],
      left: ["new"],
    });
  });

  it("goes back to them also when the release to be left has lost its groups", () => {
    expect(find([kept("old", "release-2")], "release-2")).toMatchObject({ kind: "return", left: [] });
  });

  it("releases the document from before where no group was kept", () => {
    const tags = { "stackyard:previous-release": "release-1" };

    expect(find([{ name: "new", releaseId: "release-2", tags }])).toEqual({
      kind: "redeploy",
      releaseId: "release-2",
      previousReleaseId: "release-1",
    });
  });

  it("does not go back to groups that were kept for another release", () => {
    const given = [kept("old", "release-0"), { name: "new", releaseId: "release-2" }];

    expect(find(given)).toMatchObject({ kind: "refused", message: expect.stringContaining("which one was before") });
  });

  it.each([
    ["nothing runs", [], undefined, "No release runs"],
    ["the release to be left has no groups", [], "release-9", 'Release "release-9" has no groups'],
    [
      "several releases stand",
      [
        { name: "a", releaseId: "release-1" },
        { name: "b", releaseId: "release-2" },
      ],
      undefined,
      "release-1, release-2",
    ],
    [
      "the tags of a kept group are spoilt",
      [kept("old", "release-2", { "stackyard:retired-capacity": "many" }), { name: "new", releaseId: "release-2" }],
      undefined,
      'The tags of "old"',
    ],
    [
      "kept groups are of several releases",
      [
        kept("a", "release-2"),
        { ...kept("b", "release-2"), releaseId: "release-0" },
        { name: "new", releaseId: "release-2" },
      ],
      undefined,
      "not of one release: a, b",
    ],
  ])("refuses where %s", (_, given, releaseId, message) => {
    expect(find(given, releaseId)).toEqual({ kind: "refused", message: expect.stringContaining(message) });
  });
});
