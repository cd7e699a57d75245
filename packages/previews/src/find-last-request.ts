import { CloudWatchClient, GetMetricDataCommand, type MetricDataQuery } from "@aws-sdk/client-cloudwatch";
import { type ExecutorContext, StackyardError } from "@stackyard/core";
import type { IdleConfig } from "./definition.ts";

/** Where requests are counted. */
export type RequestSource = Extract<IdleConfig, { readonly source: "cloudwatch" }>;

/** Elastic Load Balancing sends its metrics every 60 seconds, and only of minutes with requests. */
const PERIOD_SECONDS = 60;
const ID = "requests";

/**
 * Returns the end of the last minute after `since` in which the target group had requests; undefined when it had none. Health checks do
 * not count. Throws `CONFIG_INVALID` for a target group of another account than the target's, whose metrics are not visible.
 */
export async function findLastRequest(
  { aws, target, clock, signal }: Pick<ExecutorContext, "aws" | "target" | "clock" | "signal">,
  source: RequestSource,
  since: number,
): Promise<number | undefined> {
  const [, , , region, account] = source.targetGroup.split(":");
  if (target !== undefined && account !== target.account) {
    const message = `The target group is in the account ${account}, and the target is in ${target.account}.`;
    throw new StackyardError("CONFIG_INVALID", message);
  }
  const now = clock.now();
  const command = new GetMetricDataCommand({
    MetricDataQueries: [toQuery(source)],
    StartTime: new Date(since),
    EndTime: new Date(now),
  });
  const { MetricDataResults = [] } = await aws(CloudWatchClient, region).send(command, { abortSignal: signal });
  const [{ StatusCode, Timestamps = [], Values = [] } = {}] = MetricDataResults;
  // In partial data, the missing minutes are unknown.
  if (StatusCode !== "Complete") throw new StackyardError("UNREACHABLE", `CloudWatch answered ${StatusCode}.`);
  const minutes = Timestamps.filter((_, index) => (Values[index] ?? 0) > 0);
  const ends = minutes.map((minute) => Math.min(now, minute.getTime() + PERIOD_SECONDS * 1_000));
  return ends.filter((end) => end > since).toSorted((a, b) => b - a)[0];
}

/**
 * Returns the query. `RequestCountPerTarget` needs only the dimension TargetGroup, but is not reported for Lambda
 * functions; `RequestCount` of a target group needs its load balancer too. Source: Elastic Load Balancing, "CloudWatch
 * metrics for your Application Load Balancer".
 */
function toQuery({ targetGroup, loadBalancer }: RequestSource): MetricDataQuery {
  const group = { Name: "TargetGroup", Value: targetGroup.split(":").at(-1) };
  const balancer = { Name: "LoadBalancer", Value: loadBalancer?.split(":loadbalancer/").at(-1) };
  return {
    Id: ID,
    MetricStat: {
      Metric: {
        Namespace: "AWS/ApplicationELB",
        MetricName: loadBalancer === undefined ? "RequestCountPerTarget" : "RequestCount",
        Dimensions: loadBalancer === undefined ? [group] : [balancer, group],
      },
      Period: PERIOD_SECONDS,
      Stat: "Sum",
    },
  };
}
