import {
  AutoScalingClient,
  type AutoScalingGroup,
  DescribeLifecycleHooksCommand,
  DetachLoadBalancersCommand,
  DetachLoadBalancerTargetGroupsCommand,
  paginateDescribeLoadBalancers,
  paginateDescribeLoadBalancerTargetGroups,
} from "@aws-sdk/client-auto-scaling";
import { toAnswer } from "@stackyard/aws";
import { chunk } from "@stackyard/core";
import { ReleaseError } from "../release-errors.ts";
import type { AwsDeps, ReleaseDeps, ReleaseWork } from "../release-state.ts";
import { collect, nameOfGroup, toTagMap } from "../resources/load-groups.ts";
import { tagGroup } from "./group-tags.ts";
import { setCapacity } from "./set-capacity.ts";

/** The progress of detaching and emptying old groups. */
export interface DrainFacts {
  readonly attachments: readonly Attachment[];
  /** Number of remaining servers in groups that must be empty before they are deleted, by group. */
  readonly remaining: Readonly<Record<string, number>>;
  readonly now: number;
  /** Epoch ms, or undefined if it was not recorded. */
  readonly beganAt: number | undefined;
  readonly budgetSeconds: number;
}

/** `over`: the drain timeout has passed. */
export type DrainVerdict =
  | { readonly kind: "drained" }
  | { readonly kind: "waiting"; readonly message: string }
  | { readonly kind: "over"; readonly message: string };

/** Evaluates a drain: every attachment must be `Removed`, and groups emptied by their hooks must be empty. */
export function evaluateDrain({ attachments, remaining, now, beganAt, budgetSeconds }: DrainFacts): DrainVerdict {
  const attached = attachments
    .filter(({ state }) => state !== "Removed")
    .map(({ group, id, state }) => `"${group}" is still ${state} in ${id}`);
  const inhabited = Object.entries(remaining)
    .filter(([, count]) => count > 0)
    .map(([group, count]) => `"${group}" still has ${count} instances`);
  const reasons = [...attached, ...inhabited];
  if (reasons.length === 0) return { kind: "drained" };
  const message = `${reasons.join("; ")}.`;
  const isOver = beganAt !== undefined && now - beganAt >= budgetSeconds * 1_000;
  return isOver
    ? { kind: "over", message: `After ${budgetSeconds} s ("drain_timeout"), ${message}` }
    : { kind: "waiting", message: `Not detached yet: ${message}` };
}

const TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING";

/**
 * Scales a group with termination hooks to 0 so that its hooks run: deleting a group by force skips them. Returns the
 * number of remaining servers; 0 without such hooks.
 */
export async function emptyByHooks(deps: AwsDeps, group: AutoScalingGroup): Promise<number> {
  if (!(await hasTerminatingHook(deps, group))) return 0;
  await setCapacity(deps, group, { min: 0, desired: 0 });
  return group.Instances?.length ?? 0;
}

async function hasTerminatingHook({ target, signal }: AwsDeps, group: AutoScalingGroup): Promise<boolean> {
  const { AutoScalingGroupName } = group;
  const command = new DescribeLifecycleHooksCommand({ AutoScalingGroupName });
  const { LifecycleHooks = [] } = await target.client(AutoScalingClient).send(command, { abortSignal: signal });
  return LifecycleHooks.some(({ LifecycleTransition }) => LifecycleTransition === TERMINATING);
}

/** A load balancer or target group attached to a group. */
interface Attachment {
  readonly group: string;
  /** Name of a load balancer, or ARN of a target group. */
  readonly id: string;
  /**
   * API reference, "LoadBalancerState": Adding, Added, InService, Removing, or Removed after the last connection has
   * ended.
   */
  readonly state: string;
}

/** Returns everything that a group is attached to or is being detached from. */
export async function loadAttachments(deps: AwsDeps, group: string): Promise<readonly Attachment[]> {
  return [...(await loadClassic(deps, group)), ...(await loadTargetGroups(deps, group))];
}

/** Returns the same for several groups. */
export async function loadAllAttachments(
  deps: AwsDeps,
  groups: readonly AutoScalingGroup[],
): Promise<readonly Attachment[]> {
  return (await Promise.all(groups.map((group) => loadAttachments(deps, nameOfGroup(group))))).flat();
}

async function loadClassic({ target, signal }: AwsDeps, group: string): Promise<readonly Attachment[]> {
  const input = { AutoScalingGroupName: group };
  const client = target.client(AutoScalingClient);
  const pages = paginateDescribeLoadBalancers({ client }, input, { abortSignal: signal });
  const found = await collect(pages, ({ LoadBalancers }) => LoadBalancers);
  return found.map(({ LoadBalancerName: id = "", State: state = "unknown" }) => ({ group, id, state }));
}

async function loadTargetGroups({ target, signal }: AwsDeps, group: string): Promise<readonly Attachment[]> {
  const input = { AutoScalingGroupName: group };
  const client = target.client(AutoScalingClient);
  const pages = paginateDescribeLoadBalancerTargetGroups({ client }, input, { abortSignal: signal });
  const found = await collect(pages, ({ LoadBalancerTargetGroups }) => LoadBalancerTargetGroups);
  return found.map(({ LoadBalancerTargetGroupARN: id = "", State: state = "unknown" }) => ({ group, id, state }));
}

/** API reference, "DetachLoadBalancers" and "DetachLoadBalancerTargetGroups": up to 10 at a time. */
const MAX_SOURCES = 10;

/** Starts detaching a group from all load balancers and target groups that it lists. */
export async function detachTraffic(
  { target, signal }: AwsDeps,
  { AutoScalingGroupName, LoadBalancerNames = [], TargetGroupARNs = [] }: AutoScalingGroup,
): Promise<void> {
  const client = target.client(AutoScalingClient);
  const options = { abortSignal: signal };
  for (const part of chunk(LoadBalancerNames, MAX_SOURCES)) {
    const command = new DetachLoadBalancersCommand({ AutoScalingGroupName, LoadBalancerNames: part });
    await unlessDetached(() => client.send(command, options));
  }
  for (const part of chunk(TargetGroupARNs, MAX_SOURCES)) {
    const command = new DetachLoadBalancerTargetGroupsCommand({ AutoScalingGroupName, TargetGroupARNs: part });
    await unlessDetached(() => client.send(command, options));
  }
}

/** Ignores that something is detached already: the lists of Auto Scaling may be outdated. */
async function unlessDetached(detach: () => Promise<unknown>): Promise<void> {
  try {
    await detach();
  } catch (error) {
    const isDone = error instanceof Error && /not (part of|attached)/i.test(error.message);
    if (!isDone && !isGone(error)) throw error;
  }
}

/** Tag with the time since which a group is being detached. It outlives the process and a failed state. */
const DETACH_BEGAN_TAG = "stackyard:detach-began-at";

/** Duration of all retries of the state machine: sixty tries, ten seconds apart. */
const TABLE_SECONDS = 600;

/** Number of retries of the state machine. */
const TABLE_RETRIES = 60;

/** Returns the seconds that each try waits, so that all tries together last as long as the release's drain timeout. */
export function toPatience({ release }: ReleaseWork): number {
  return Math.max(0, Math.ceil((release.drain_timeout - TABLE_SECONDS) / TABLE_RETRIES));
}

/** Returns whether the drain timeout differs from the state machine's own retries. */
export function hasOwnDrainTime({ release }: ReleaseWork): boolean {
  return release.drain_timeout !== TABLE_SECONDS;
}

/** Records the start of the drain on the group, once. If this fails, the retries of the state machine are the limit. */
export async function noteDrainBegan(deps: ReleaseDeps, group: AutoScalingGroup): Promise<void> {
  if (toTagMap(group.Tags)[DETACH_BEGAN_TAG] !== undefined) return;
  const name = nameOfGroup(group);
  try {
    await tagGroup(deps, name, { [DETACH_BEGAN_TAG]: new Date(deps.clock.now()).toISOString() });
  } catch (error) {
    deps.signal.throwIfAborted();
    deps.logger.warn("the beginning of the detachment could not be noted", { group: name, error });
  }
}

/** Returns the earliest start of the drain of these groups, epoch ms. */
export function findDrainBegan(groups: readonly AutoScalingGroup[]): number | undefined {
  const instants = groups
    .map(({ Tags }) => Date.parse(toTagMap(Tags)[DETACH_BEGAN_TAG] ?? ""))
    .filter((at) => !Number.isNaN(at));
  return instants.length === 0 ? undefined : Math.min(...instants);
}

/** Returns true if the error means that the resource to delete or change does not exist. */
export function isGone(error: unknown): boolean {
  return toAnswer(error) === "gone";
}

/** Deletes a resource that may not exist any more. */
export async function deleteIfThere(remove: () => Promise<unknown>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** Processes every item even if others fail; then throws the first error with the messages of all. */
export async function doAll<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const errors: unknown[] = [];
  for (const item of items) await work(item).catch((error: unknown) => errors.push(error));
  const [first] = errors;
  if (first === undefined) return;
  if (!(first instanceof ReleaseError) || errors.length === 1) throw first;
  const message = errors.map((error) => (error instanceof Error ? error.message : String(error))).join("\n");
  throw new ReleaseError(first.releaseCode, message, { cause: first });
}
