import type { Release, ReleasePlace } from "@stackyard/sdk/releases";
import { expect, it } from "vitest";
import { toAsgPlaces } from "./asg-places.ts";

const place = (config: string): ReleasePlace => ({
  ...{ account: "111111111111", region: "eu-west-1", project: "web", config },
  updatedAt: "2026-11-20T02:30:00Z",
});
const release = (jobId: string, config: string): Release => ({
  ...{ account: "111111111111", region: "eu-west-1", project: "web", config, jobId },
  ...{ operation: "deploy", releaseId: jobId, standing: "succeeded", isHalting: false },
  startedAt: "2026-11-20T02:00:00Z",
});

it("puts releases under their place, those first whose release is the newest", () => {
  const releases = [release("r-4", "prod"), release("r-3", "test"), release("r-2", "prod"), release("r-1", "gone")];

  const places = toAsgPlaces([place("test"), place("never"), place("prod")], releases);

  expect(
    places.map(({ of, record, releases }) => [of.config, record !== undefined, releases.map((r) => r.jobId)]),
  ).toEqual([
    ["prod", true, ["r-4", "r-2"]],
    ["test", true, ["r-3"]],
    ["gone", false, ["r-1"]],
    ["never", true, []],
  ]);
});

it("distinguishes places of one name in two accounts", () => {
  const other = { ...place("prod"), account: "222222222222" };

  expect(toAsgPlaces([place("prod"), other], [release("r-1", "prod")]).map(({ releases }) => releases.length)).toEqual([
    1, 0,
  ]);
});
