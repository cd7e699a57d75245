import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { judgeHealth } from "../health/judge-health.ts";
import { loadGroupsNamed } from "../lookups/load-groups.ts";
import { toTagMap } from "../lookups/tag-map.ts";
import { loadHealthSources } from "../observe/load-health-sources.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { parseFormerTags } from "../retire/retired-tags.ts";

/**
 * Says which groups that come back have too few healthy instances: fewer than they were meant to have when they left. The same judge
 * as for a new group, without its limit for terminations, since nothing better could be had by giving up. A group that has lost
 * its tags already has been found healthy before, and must be so by what it lists now.
 */
export async function findUnhealthyKept(
  deps: Pick<ReleaseDeps, "target" | "signal">,
  names: readonly string[],
): Promise<readonly string[]> {
  const groups = await loadGroupsNamed(deps, names);
  const found = new Set(groups.map(({ AutoScalingGroupName }) => AutoScalingGroupName));
  const missing = names.filter((name) => !found.has(name)).map((name) => `"${name}" is not there any more`);
  const looks = await Promise.all(groups.map((group) => look(deps, group)));
  return [...missing, ...looks.flatMap((each) => each ?? [])];
}

async function look(
  deps: Pick<ReleaseDeps, "target" | "signal">,
  group: AutoScalingGroup,
): Promise<string | undefined> {
  const { AutoScalingGroupName: name, Instances = [], LoadBalancerNames = [], TargetGroupARNs = [] } = group;
  const { MinSize: min = 0, DesiredCapacity = 0 } = group;
  const former = parseFormerTags(toTagMap(group.Tags), deps.target);
  const resources = {
    elbs: former?.elbs ?? LoadBalancerNames,
    target_group_arns: former?.targetGroupArns ?? TargetGroupARNs,
  };
  const ids = Instances.flatMap(({ InstanceId }) => InstanceId ?? []);
  const desired = former?.desired ?? DesiredCapacity;
  const { report } = judgeHealth({
    autoscaling: { max_terms: Number.MAX_SAFE_INTEGER, strategy: "AllAtOnce" },
    plan: {
      desired,
      targetLaunched: desired,
      targetHealthy: desired,
      initial: { min, desired, max: desired },
      steps: [],
    },
    group: { min, desired: DesiredCapacity, instances: Instances },
    sources: await loadHealthSources(deps, resources, ids),
    countTerminations: "snapshot",
    terminated: [],
    stable: 0,
    stablePolls: 1,
    alarms: [],
    step: undefined,
  });
  return report.healthy < desired ? `"${name}" has ${report.healthy} of ${desired} healthy instances` : undefined;
}
