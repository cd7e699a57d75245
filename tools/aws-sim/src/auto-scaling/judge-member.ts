import { toCauseTime } from "./activity.ts";
import type { AutoScalingState } from "./auto-scaling-state.ts";
import { endInstance } from "./end-instance.ts";
import { activeSources, type SimGroup } from "./sim-group.ts";
import { diesAt, type SimMember } from "./sim-member.ts";

/**
 * What has never been healthy fails its checks this long after it was registered: two checks, 30 seconds apart. Source: Elastic
 * Load Balancing, "Health checks for your target groups", HealthCheckIntervalSeconds and UnhealthyThresholdCount.
 */
const FIRST_VERDICT_MS = 60_000;

/**
 * Replaces an instance that a load balancer finds unhealthy, where the group looks at load balancers, once the grace period is
 * over. Source: user guide, "Health checks for instances in an Auto Scaling group".
 */
export function judgeMember(state: AutoScalingState, group: SimGroup, member: SimMember, at: number): void {
  if (member.stage !== "serving" || at < verdictAt(group, member)) return;
  if (!group.settings.healthCheckType.includes("ELB") || group.suspended.has("HealthCheck")) return;
  const failing = activeSources(group).find((source) => !state.traffic.isHealthy(source, member.instanceId, at));
  if (failing === undefined) return;
  member.healthStatus = "Unhealthy";
  if (group.suspended.has("ReplaceUnhealthy") || group.suspended.has("Terminate")) return;
  const why = "an instance was taken out of service in response to an ELB system health check failure";
  endInstance(state, group, member, { at, cause: `At ${toCauseTime(at)} ${why}.` });
}

/** The next instant at which an instance in service can turn out to be bad. */
export function nextLookAt(group: SimGroup, member: SimMember, at: number): number {
  const verdict = verdictAt(group, member);
  const failing = Math.max(verdict, member.course?.unhealthyAt ?? 0);
  return Math.min(...[diesAt(member), verdict, failing].filter((instant) => instant > at), Number.POSITIVE_INFINITY);
}

function verdictAt({ settings }: SimGroup, { inServiceAt = 0 }: SimMember): number {
  return inServiceAt + Math.max(settings.graceSeconds * 1_000, FIRST_VERDICT_MS);
}
