import { AutoScalingClient, paginateDescribeLaunchConfigurations } from "@aws-sdk/client-auto-scaling";
import { CloudWatchClient, paginateDescribeAlarms } from "@aws-sdk/client-cloudwatch";
import { DescribePlacementGroupsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { RELEASE_TAGS } from "../launch/release-tags.ts";
import { escapeFilterValue } from "../lookups/escape-filter-value.ts";
import { loadGroups } from "../lookups/load-groups.ts";
import { toTagMap } from "../lookups/tag-map.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { toFacts } from "../teardown/load-project-groups.ts";
import { loadTemplates } from "../teardown/load-templates.ts";
import type { RepairFacts, TaggedThing } from "./find-left-overs.ts";

type Deps = Pick<ReleaseDeps, "target" | "signal">;

/** Whose left-overs. */
export interface ProjectConfig {
  readonly project_name: string;
  readonly config_name: string;
}

const STAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-/;

/** Loads all that looks like a project-config's, by tags, and by names where there can be no tags. Reads only. */
export async function loadRepairFacts(deps: Deps, of: ProjectConfig): Promise<RepairFacts> {
  const groups = await loadGroups(deps, of);
  return {
    groups: groups.map((group) => ({
      ...toFacts(group),
      attached: [...(group.LoadBalancerNames ?? []), ...(group.TargetGroupARNs ?? [])].length > 0,
    })),
    templates: await loadTemplates(deps, of),
    launchConfigurations: (await loadLaunchConfigurations(deps)).filter((name) => isNameOf(name, of)),
    alarms: (await loadAlarms(deps, of)).filter((name) => isNameOf(name, of)),
    placementGroups: await loadPlacementGroups(deps, of),
  };
}

/**
 * Is it the name of a group of this project-config, or does it begin with one? `prod` has not the names of `prod-eu`: the time of the
 * release follows at once.
 */
export function isNameOf(name: string, { project_name, config_name }: ProjectConfig): boolean {
  const prefix = `${project_name}-${config_name}-`;
  return name.startsWith(prefix) && STAMP.test(name.slice(prefix.length));
}

async function loadLaunchConfigurations({ target, signal }: Deps): Promise<readonly string[]> {
  const client = target.client(AutoScalingClient);
  const names: string[] = [];
  // There is no filter for them.
  for await (const page of paginateDescribeLaunchConfigurations(
    { client, pageSize: 100 },
    {},
    { abortSignal: signal },
  )) {
    names.push(
      ...(page.LaunchConfigurations ?? []).flatMap(({ LaunchConfigurationName }) => LaunchConfigurationName ?? []),
    );
  }
  return names;
}

async function loadAlarms(
  { target, signal }: Deps,
  { project_name, config_name }: ProjectConfig,
): Promise<readonly string[]> {
  const client = target.client(CloudWatchClient);
  const input = { AlarmNamePrefix: `${project_name}-${config_name}-` };
  const names: string[] = [];
  for await (const { MetricAlarms = [] } of paginateDescribeAlarms({ client }, input, { abortSignal: signal })) {
    names.push(...MetricAlarms.flatMap(({ AlarmName }) => AlarmName ?? []));
  }
  return names;
}

async function loadPlacementGroups({ target, signal }: Deps, of: ProjectConfig): Promise<readonly TaggedThing[]> {
  const Filters = [
    { Name: `tag:${RELEASE_TAGS.project}`, Values: [escapeFilterValue(of.project_name)] },
    { Name: `tag:${RELEASE_TAGS.config}`, Values: [escapeFilterValue(of.config_name)] },
  ];
  const command = new DescribePlacementGroupsCommand({ Filters });
  const { PlacementGroups = [] } = await target.client(EC2Client).send(command, { abortSignal: signal });
  return PlacementGroups.map(({ GroupName: name = "", Tags }) => ({ name, tags: toTagMap(Tags) })).filter(
    ({ tags }) => tags[RELEASE_TAGS.project] === of.project_name && tags[RELEASE_TAGS.config] === of.config_name,
  );
}
