import { AutoScalingClient, EnableMetricsCollectionCommand } from "@aws-sdk/client-auto-scaling";
import { findAwsFault } from "@stackyard/aws";
import type { CapacityPlan } from "../capacity/plan-capacity.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import type { HealthReport, ServiceState } from "../release-state.ts";
import { toReleaseError } from "../to-release-error.ts";
import type { Made } from "./find-made.ts";
import type { LaunchFacts } from "./launch-facts.ts";
import { makeGroup } from "./make-group.ts";
import { makePlacementGroup } from "./make-placement-group.ts";
import { makePolicies } from "./make-policies.ts";
import { makeTemplate } from "./make-template.ts";
import { toTemplateName } from "./template-name.ts";

/** What a service is launched with. */
export interface LaunchInput {
  /** Rendered. */
  readonly userData: string;
  readonly plan: CapacityPlan;
  /** Of an earlier try of this execution. */
  readonly made: Made;
}

/**
 * Creates everything of one service, and gives what is known of it then. A repeat after a crash at any call takes up what is there:
 * the template and the group by name and tag, the rest by putting the same again.
 */
export async function launchService(
  deps: ReleaseDeps,
  facts: LaunchFacts,
  { userData, plan, made }: LaunchInput,
): Promise<ServiceState> {
  const { serviceId, service, state, constants } = facts;
  const attempt = <Result>(what: string, make: () => Promise<Result>) => make().catch(failWith(deps, what));
  await attempt("Its placement group could not be made.", () => makePlacementGroup(deps, facts));
  const template = await attempt("Its launch template could not be made.", () =>
    makeTemplate(deps, facts, { userData, known: made.templates.get(toTemplateName(serviceId)) }),
  );
  await attempt(`Its group "${serviceId}" could not be made.`, () =>
    makeGroup(deps, facts, { template, capacity: plan.initial, known: made.groups.get(serviceId) }),
  );
  await attempt("Its scaling policies and alarms could not be put.", () => makePolicies(deps, facts));
  if (constants.generation === "odin") {
    await attempt("The metrics of its group could not be turned on.", () => collectMetrics(deps, serviceId));
  }
  deps.report(`${service.service_name}: created ${serviceId} with ${plan.initial.desired} of ${plan.targetLaunched}`);
  const known = state.services[service.service_name];
  return { ...known, healthy: false, stable: 0, created_asg: serviceId, healthy_report: toEmptyReport(plan) };
}

/** What AWS says of quotas does not say what to do ("LimitExceededFault", "VcpuLimitExceeded" and the like). */
const QUOTA = /limit ?exceeded/i;

function failWith({ signal }: ReleaseDeps, what: string): (error: unknown) => never {
  return (error) => {
    signal.throwIfAborted();
    const isQuota = QUOTA.test(findAwsFault(error).name ?? "");
    const advice = isQuota ? "Delete what is not needed, or ask AWS for a higher quota." : "";
    throw toReleaseError("DEPLOY_FAILED", error, what, advice);
  };
}

/** All metrics of the group; a minute is the only granularity there is. */
async function collectMetrics({ target, signal }: ReleaseDeps, serviceId: string): Promise<void> {
  const command = new EnableMetricsCollectionCommand({ AutoScalingGroupName: serviceId, Granularity: "1Minute" });
  await target.client(AutoScalingClient).send(command, { abortSignal: signal });
}

function toEmptyReport({ targetHealthy, targetLaunched, initial }: CapacityPlan): HealthReport {
  return {
    target_healthy: targetHealthy,
    target_launched: targetLaunched,
    healthy: 0,
    launching: 0,
    terminating: 0,
    terminating_ids: [],
    desired_capacity: initial.desired,
    min_size: initial.min,
  };
}
