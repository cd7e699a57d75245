import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { RELEASES_ACCOUNT, RELEASES_APP } from "../testing/a-releases-app.ts";
import { createReleasesWorld, OLD_GROUP, PROJECT, type ReleasesWorld } from "../testing/a-releases-world.ts";
import { type Call, findGrants, type Grant } from "../testing/find-grants.ts";
import { listBodies } from "../testing/find-template.ts";
import { resolveTemplate } from "../testing/resolve-template.ts";
import { findDenied, findUnused } from "../testing/start-deployment.ts";
import { toReleaseCalls } from "../testing/to-release-calls.ts";
import type { Statement } from "./statement.ts";

const bodies = listBodies();
const grantsOf = (template: string, parameters: Readonly<Record<string, string>>) =>
  findGrants(resolveTemplate(JSON.parse(bodies.get(template) ?? "{}"), parameters), "ReleasesRole");
const own = grantsOf("releases", RELEASES_APP);
const HOOKS = "arn:aws:iam::111122223333:role/hooks";
const account = grantsOf("releases-account", {
  ...RELEASES_ACCOUNT,
  PassedRoleArns: `arn:aws:iam::111122223333:role/stackyard/*,${HOOKS}`,
});

/** The role's statements in a session with such tags. */
function inSession(grants: readonly Grant[], tags: Readonly<Record<string, string>>): readonly Grant[] {
  const text = JSON.stringify(grants).replaceAll(/\$\{aws:PrincipalTag\/(\w+)\}/g, (_, name) => tags[name] ?? "");
  return JSON.parse(text);
}

const ours = inSession(account, PROJECT);
/** Of the old group, which is there. */
const STANDING = { [OLD_GROUP]: { ...PROJECT, ServiceName: "web", ReleaseID: "release-0" } };

describe("a release that fails, one that ends well, and one that keeps the old group", () => {
  let world: ReleasesWorld;
  let ends: readonly string[];
  let calls: readonly Call[];
  let ownCalls: readonly Call[];
  beforeAll(async () => {
    world = createReleasesWorld();
    world.sim.autoScaling.script({ tags: { ServiceName: "web" } }, { neverHealthy: true });
    const first = await world.release({});
    world.sim.autoScaling.script({ tags: { ServiceName: "web" } }, {});
    const second = await world.release({});
    ends = [first, second, await world.release({ rollback_window: 60 })];
    calls = toReleaseCalls(world.calls().assumed, STANDING);
    ownCalls = toReleaseCalls(world.calls().own, {});
  });

  it("ends so", () => {
    expect(ends).toEqual(["FailureClean", "SUCCEEDED", "SUCCEEDED"]);
  });

  it("calls in the account only what its role allows, and needs every statement", () => {
    expect(findDenied(ours, calls)).toEqual([]);
    expect(findUnused(ours, calls)).toEqual([]);
  });

  it("needs every action of every statement", () => {
    const used = new Set(calls.map(({ action }) => action));

    expect([...new Set(ours.flatMap(({ actions }) => actions))].filter((action) => !used.has(action))).toEqual([]);
  });

  it("is in sessions that are tagged with project and config", () => {
    for (const { tags } of world.calls().assumed) expect(tags).toMatchObject(PROJECT);
  });

  it("can touch nothing of another project", () => {
    const others = inSession(account, { ProjectName: "org/other", ConfigName: "production" });
    const denied = findDenied(others, calls).map((line) => line.split(" ")[0]);

    expect([...new Set(denied)].toSorted()).toEqual([
      ...["autoscaling:CreateAutoScalingGroup", "autoscaling:CreateOrUpdateTags", "autoscaling:DeleteAutoScalingGroup"],
      ...["autoscaling:DeleteLaunchConfiguration", "autoscaling:DetachLoadBalancerTargetGroups"],
      "autoscaling:DetachLoadBalancers",
      ...["autoscaling:EnableMetricsCollection", "autoscaling:PutScalingPolicy", "autoscaling:UpdateAutoScalingGroup"],
      ...["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"],
      ...["ec2:CreateLaunchTemplate", "ec2:CreatePlacementGroup", "ec2:DeleteLaunchTemplate"],
      "ec2:RunInstances",
    ]);
  });

  it("calls as the function itself only what the function's role allows", () => {
    expect(findDenied(own, ownCalls)).toEqual([]);
    // Lambda writes the logs; the app's own test checks the table of locks.
    expect(findUnused(own, ownCalls)).toEqual(["Logs Write", "Locks Items"]);
  });
});

it("is what the app's README says of the role in accounts, state by state", () => {
  const readme = readFileSync(join(import.meta.dirname, "../../../../apps/releases/README.md"), "utf8");
  const [, policy] = [...readme.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json = "{}"]) => JSON.parse(json));
  const byState = Map.groupBy(account, (grant) => grant.policy);

  expect(policy.Statement.map(({ Sid, Action }: Statement) => [Sid, Action])).toEqual(
    [...byState].map(([state, grants]) => [state, [...new Set(grants.flatMap(({ actions }) => actions))]]),
  );
});
