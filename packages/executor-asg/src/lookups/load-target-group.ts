import {
  DescribeTagsCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  ElasticLoadBalancingV2Client,
  type TargetGroup,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import type { ReleaseDeps } from "../release-deps.ts";
import { type LookUp, lookUp } from "./look-up.ts";
import { toTagMap } from "./tag-map.ts";

/** A target group as the rules look at it. */
export interface TargetGroupFacts {
  readonly arn: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  /** For so long new targets get less than their share; 0: they do not. */
  readonly slowStartSeconds: number;
  readonly vpc?: string;
  /** How a policy on its requests names it; absent: no application load balancer sends it any. */
  readonly requestLabel?: string;
}

/** The SDK's class and the code on the wire ("DescribeTargetGroups", version 2015-12-01). */
const MISSING = ["TargetGroupNotFoundException", "TargetGroupNotFound"];
const SLOW_START = "slow_start.duration_seconds";

/** The target group of that name. */
export async function loadTargetGroup(deps: ReleaseDeps, name: string): Promise<LookUp<TargetGroupFacts>> {
  const message = `Target group: there is no target group "${name}" in this account and region.`;
  const problem = { code: "release-target-group-missing", message };
  const input = { what: `target group "${name}"`, missing: { errors: MISSING, problem } };
  const found = await lookUp(deps, input, () => findTargetGroup(deps, name));
  if (found.kind === "refused") return found;
  return found.value === undefined ? { kind: "refused", problems: [problem] } : { kind: "found", value: found.value };
}

/** `undefined`: none of exactly that name. Names of target groups are unique in an account and region. */
async function findTargetGroup(deps: ReleaseDeps, name: string): Promise<TargetGroupFacts | undefined> {
  const client = deps.target.client(ElasticLoadBalancingV2Client);
  const options = { abortSignal: deps.signal };
  const { TargetGroups = [] } = await client.send(new DescribeTargetGroupsCommand({ Names: [name] }), options);
  const group = TargetGroups.find(({ TargetGroupName }) => TargetGroupName === name);
  const arn = group?.TargetGroupArn;
  if (group === undefined || arn === undefined) return undefined;
  const { TagDescriptions = [] } = await client.send(new DescribeTagsCommand({ ResourceArns: [arn] }), options);
  const described = TagDescriptions.find(({ ResourceArn }) => ResourceArn === arn);
  const label = toRequestLabel(group);
  return {
    arn,
    name,
    tags: toTagMap(described?.Tags),
    slowStartSeconds: await loadSlowStart(deps, arn),
    ...(group.VpcId !== undefined && { vpc: group.VpcId }),
    ...(label !== undefined && { requestLabel: label }),
  };
}

/** No answer is no slow start, as ever: a release does not fail for a pause. */
async function loadSlowStart({ target, signal, logger }: ReleaseDeps, arn: string): Promise<number> {
  try {
    const client = target.client(ElasticLoadBalancingV2Client);
    const command = new DescribeTargetGroupAttributesCommand({ TargetGroupArn: arn });
    const { Attributes = [] } = await client.send(command, { abortSignal: signal });
    const seconds = Number(Attributes.find(({ Key }) => Key === SLOW_START)?.Value ?? 0);
    return Number.isFinite(seconds) ? seconds : 0;
  } catch (error) {
    signal.throwIfAborted();
    logger.warn("The slow start of a target group is not known, and taken for none.", { targetGroup: arn, error });
    return 0;
  }
}

/** Auto Scaling API reference, "PredefinedMetricSpecification", ResourceLabel. */
function toRequestLabel({ TargetGroupArn = "", LoadBalancerArns = [] }: TargetGroup): string | undefined {
  const balancer = LoadBalancerArns.map((arn) => arn.split(":loadbalancer/")[1]).find((each) =>
    each?.startsWith("app/"),
  );
  const group = TargetGroupArn.split(":").at(-1);
  return balancer === undefined || group === undefined ? undefined : `${balancer}/${group}`;
}
