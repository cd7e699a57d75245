import {
  AttachLoadBalancersCommand,
  AttachLoadBalancerTargetGroupsCommand,
  AutoScalingClient,
  type AutoScalingGroup,
} from "@aws-sdk/client-auto-scaling";
import { chunk, noteLook } from "@stackyard/core";
import { decideHalt } from "../halt.ts";
import type { ReleaseFailureCode } from "../release-errors.ts";
import type { AwsDeps, ReleaseDeps } from "../release-state.ts";
import { type ClockedDeps, loadGroupsNamed, loadKnownGroups, nameOfGroup, toTagMap } from "../resources/load-groups.ts";
import { detachTraffic } from "./drain.ts";
import { evaluateHealth } from "./health.ts";
import { parseFormerTags } from "./kept-group.ts";
import { loadHealthSources } from "./observe.ts";
import type { KeptGroup } from "./rollback-route.ts";
import {
  endRollback,
  givenUp,
  type RollbackInput,
  type RollbackProgress,
  type RollbackStep,
  running,
  toRollbackKey,
} from "./rollback-step.ts";
import { setCapacity } from "./set-capacity.ts";

/** Seconds between two reads of the returning groups. */
export const HEAL_SECONDS = 15;
const DEFAULT_TIMEOUT_SECONDS = 600;

/** Waits until the returning groups are healthy. The running release keeps its traffic; a halt or the timeout ends it. */
export async function heal(deps: ReleaseDeps, input: RollbackInput, before: RollbackProgress): Promise<RollbackStep> {
  const now = deps.clock.now();
  const progress = { ...before, watched: noteLook(before.watched, { now, everyMs: HEAL_SECONDS * 1_000 }) };
  const facts = {
    now,
    startedAt: progress.beganAt,
    unwatchedMs: progress.watched.unwatchedMs,
    halts: await deps.memory.listHalts(toRollbackKey(input)).catch(() => "unreadable" as const),
  };
  const verdict = decideHalt({ ...facts, timeoutSeconds: input.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS });
  const unhealthy = await findUnhealthyKept(deps, progress.kept);
  const isOrdered = decideHalt({ ...facts, timeoutSeconds: Number.POSITIVE_INFINITY }).kind === "halt";
  if (verdict.kind === "halt" && (isOrdered || unhealthy.length > 0)) {
    const message = [verdict.message, ...unhealthy].join("; ");
    return giveUp(deps, input, progress, { code: verdict.code, message });
  }
  if (unhealthy.length > 0) return running(deps, progress, HEAL_SECONDS, `Not healthy yet: ${unhealthy.join("; ")}.`);
  const watched = noteLook(undefined, { now, everyMs: HEAL_SECONDS * 1_000 });
  const next: RollbackProgress = { ...progress, phase: "leaving", beganAt: now, watched };
  return running(deps, next, 0, `Release "${progress.releaseId}" leaves.`);
}

/** Restores the state before the rollback. */
export async function giveUp(
  deps: ReleaseDeps,
  input: RollbackInput,
  progress: RollbackProgress,
  { code, message }: { readonly code: ReleaseFailureCode; readonly message: string },
): Promise<RollbackStep> {
  await restoreKept(deps, progress.kept);
  await endRollback(deps, input);
  return givenUp(progress, code, message);
}

/**
 * Describes the returning groups with too few healthy instances: fewer than their former capacity. Uses the health
 * rules of a release, without its limit for terminations, since giving up would not help. A group without its tags was
 * found healthy before, and is compared with its current capacity.
 */
export async function findUnhealthyKept(deps: AwsDeps, names: readonly string[]): Promise<readonly string[]> {
  const groups = await loadGroupsNamed(deps, names);
  const found = new Set(groups.map(nameOfGroup));
  const missing = names.filter((name) => !found.has(name)).map((name) => `"${name}" no longer exists`);
  const looks = await Promise.all(groups.map((group) => look(deps, group)));
  return [...missing, ...looks.flatMap((each) => each ?? [])];
}

async function look(deps: AwsDeps, group: AutoScalingGroup): Promise<string | undefined> {
  const { AutoScalingGroupName: name, Instances = [], LoadBalancerNames = [], TargetGroupARNs = [] } = group;
  const { MinSize: min = 0, DesiredCapacity = 0 } = group;
  const former = parseFormerTags(toTagMap(group.Tags), deps.target);
  const resources = {
    elbs: former?.elbs ?? LoadBalancerNames,
    target_group_arns: former?.targetGroupArns ?? TargetGroupARNs,
  };
  const ids = Instances.flatMap(({ InstanceId }) => InstanceId ?? []);
  const desired = former?.desired ?? DesiredCapacity;
  const { report } = evaluateHealth({
    autoscaling: { max_terms: Number.MAX_SAFE_INTEGER },
    plan: {
      desired,
      targetLaunched: desired,
      targetHealthy: desired,
      initial: { min, desired, max: desired },
      steps: [],
    },
    group: { min, desired: DesiredCapacity, instances: Instances },
    sources: await loadHealthSources(deps, resources, ids),
  });
  return report.healthy < desired ? `"${name}" has ${report.healthy} of ${desired} healthy instances` : undefined;
}

/**
 * Makes returning groups kept ones again: without traffic, and without servers if they never had load balancers. Where the tags do
 * not tell that, the servers stay: they may be what a later rollback returns to.
 */
export async function restoreKept(deps: ClockedDeps, names: readonly string[]): Promise<void> {
  for (const group of await loadKnownGroups(deps, names)) {
    await detachTraffic(deps, group);
    const former = parseFormerTags(toTagMap(group.Tags), deps.target);
    if (former === undefined) continue;
    const hadTraffic = former.elbs.length + former.targetGroupArns.length > 0;
    if (!hadTraffic) await setCapacity(deps, group, { min: 0, desired: 0 });
  }
}

/** API reference, "AttachLoadBalancers" and "AttachLoadBalancerTargetGroups": up to 10 at a time. */
const MAX_SOURCES = 10;

/** Restores the capacity and load balancers of a kept group. Attaching again changes nothing. */
export async function returnTraffic(deps: AwsDeps, kept: KeptGroup): Promise<void> {
  const { target, signal } = deps;
  const [group] = await loadGroupsNamed(deps, [kept.name]);
  if (group === undefined) throw new Error(`The kept group "${kept.name}" no longer exists.`);
  const desired = Math.max(kept.desired, group.DesiredCapacity ?? 0);
  await setCapacity(deps, group, { min: kept.min, desired });
  const client = target.client(AutoScalingClient);
  const AutoScalingGroupName = kept.name;
  for (const LoadBalancerNames of chunk(kept.elbs, MAX_SOURCES)) {
    const command = new AttachLoadBalancersCommand({ AutoScalingGroupName, LoadBalancerNames });
    await client.send(command, { abortSignal: signal });
  }
  for (const TargetGroupARNs of chunk(kept.targetGroupArns, MAX_SOURCES)) {
    const command = new AttachLoadBalancerTargetGroupsCommand({ AutoScalingGroupName, TargetGroupARNs });
    await client.send(command, { abortSignal: signal });
  }
}
