import { expect, it } from "vitest";
import type { Stack } from "../../machine/stack.ts";
import { aStack } from "../../testing/builders.ts";
import { type BoardPlace, createBoardTally, findLag } from "./board.ts";

// What people report of boards of other tools that show a wrong version, tried on the tally of this one.

const keys = ["api"];
const releaseOf = (value: string, createdAt: number, at = createdAt) => ({
  api: { id: `shop-${value}`, incarnation: "r1", createdAt, task: "production", event: "e", value, at },
});
const stack = (id: string, value: string, createdAt: number, given: Partial<Stack> = {}) =>
  aStack({ id, state: "LIVE", tasks: [], metadata: { api: value }, releases: releaseOf(value, createdAt), ...given });

function tally(stacks: readonly Stack[], place: Partial<BoardPlace> = {}) {
  const counted = createBoardTally({
    ...{ task: "production", target: { machine: "shop" }, keys, until: ["LIVE"], failed: ["BROKEN"] },
    ...place,
  });
  for (const each of stacks) counted.add(each);
  return counted.list();
}
const place = (task: string, ...stacks: readonly Stack[]) => ({ task, versions: tally(stacks) });

it("compares releases by their instants, not by the texts of versions (OctopusDeploy/Issues#3325)", () => {
  const staging = place("staging", stack("a", "6.0.10", 200));
  const production = place("production", stack("b", "6.0.9", 100));

  expect(findLag(production, [staging], [100, 200])).toEqual({ of: "staging", releases: 1 });
  expect(findLag(staging, [production], [100, 200])).toBeUndefined();
});

it("shows the release that arrived last, also if it was created first (OctopusDeploy/Issues#6011)", () => {
  const late = stack("a", "0.0.1", 100, { releases: releaseOf("0.0.1", 100, 900) });

  expect(tally([late])).toMatchObject([{ values: { api: "0.0.1" }, release: { id: "shop-0.0.1" }, since: 900 }]);
});

it("shows a version that failed as failed (OctopusDeploy/Issues#9332)", () => {
  expect(tally([stack("a", "2", 200, { state: "BROKEN" })])).toMatchObject([
    { values: { api: "2" }, standings: { failed: 1, rests: 0 } },
  ]);
});

it("shows what runs although its release was removed (OctopusDeploy/Issues#3510)", () => {
  const [staging, production] = [
    place("staging", stack("a", "1.1.0", 200)),
    place("production", stack("b", "1.0.0", 100)),
  ];

  expect(staging.versions).toMatchObject([{ values: { api: "1.1.0" }, release: { id: "shop-1.1.0" } }]);
  expect(findLag(production, [staging], [])).toEqual({ of: "staging", releases: 1 });
});

it("leaves out no version, however many newer ones there are (OctopusDeploy/Issues#6950, #7227)", () => {
  const newer = Array.from({ length: 50 }, (_, index) => stack(`new-${index}`, `2.${index}`, 1_000 + index));

  const versions = tally([stack("old", "1.0.0", 1), ...newer]);

  expect(versions).toHaveLength(51);
  expect(versions.map(({ values }) => values["api"])).toContain("1.0.0");
});

it("shows the release that was created last of several that have set its keys (akuity/kargo#7137, #5951)", () => {
  const { api } = releaseOf("1", 300);
  const { api: web } = releaseOf("hotfix", 100);
  const both = stack("a", "1", 300, { metadata: { web: "hotfix", api: "1" }, releases: { web, api } });

  expect(tally([both], { keys: ["web", "api"] })).toMatchObject([
    { values: { web: "hotfix", api: "1" }, release: { id: "shop-1" } },
  ]);
});

it("shows nothing moving where nothing runs (akuity/kargo#4009)", () => {
  expect(tally([])).toEqual([]);
  expect(findLag(place("production"), [place("staging")], [])).toBeUndefined();
});
