import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { detachTraffic } from "../drain/detach-traffic.ts";
import { setCapacity } from "../drain/set-capacity.ts";
import { toTagMap } from "../lookups/tag-map.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { parseFormerTags, RETIRED_TAGS, toFormerTags } from "./retired-tags.ts";
import { tagGroup } from "./tag-group.ts";

type Deps = Pick<ReleaseDeps, "target" | "signal" | "clock" | "report">;

/** Who takes a group's place, and for how long it is kept. */
export interface RetireInput {
  readonly releaseId: string;
  readonly windowSeconds: number;
}

/**
 * Notes on the group how it serves, once: before its load balancers are taken away, and never again after that, however often a state
 * is repeated.
 */
export async function noteFormerService(deps: Omit<Deps, "clock" | "report">, group: AutoScalingGroup): Promise<void> {
  if (toTagMap(group.Tags)[RETIRED_TAGS.capacity] !== undefined) return;
  const { MinSize = 0, DesiredCapacity = 0, LoadBalancerNames = [], TargetGroupARNs = [] } = group;
  const former = { min: MinSize, desired: DesiredCapacity, elbs: LoadBalancerNames, targetGroupArns: TargetGroupARNs };
  await tagGroup(deps, group.AutoScalingGroupName ?? "", toFormerTags(former));
}

/**
 * Keeps an old group for a rollback: without traffic, with its servers running, so that it can be back within a minute. One that has
 * never had a load balancer would go on working beside the new one, so that it is scaled to 0 instead. The tag that makes it a kept
 * group comes last: until then it is an old group, and a repeat goes through the same steps.
 */
export async function retireGroup(deps: Deps, group: AutoScalingGroup, input: RetireInput): Promise<void> {
  const { AutoScalingGroupName: name = "" } = group;
  await noteFormerService(deps, group);
  await detachTraffic(deps, group);
  if (!hadTraffic(deps, group)) await setCapacity(deps, group, { min: 0, desired: 0 });
  const now = deps.clock.now();
  await tagGroup(deps, name, {
    [RETIRED_TAGS.by]: input.releaseId,
    [RETIRED_TAGS.until]: new Date(now + input.windowSeconds * 1_000).toISOString(),
    [RETIRED_TAGS.at]: new Date(now).toISOString(),
  });
  deps.report(`kept group ${name} for ${input.windowSeconds} s`);
}

function hadTraffic({ target }: Deps, group: AutoScalingGroup): boolean {
  const { LoadBalancerNames = [], TargetGroupARNs = [] } = group;
  const former = parseFormerTags(toTagMap(group.Tags), target);
  const sources = [
    ...LoadBalancerNames,
    ...TargetGroupARNs,
    ...(former?.elbs ?? []),
    ...(former?.targetGroupArns ?? []),
  ];
  return sources.length > 0;
}
