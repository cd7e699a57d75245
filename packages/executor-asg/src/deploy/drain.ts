import {
  AutoScalingClient,
  type AutoScalingGroup,
  CreateOrUpdateTagsCommand,
  DeleteTagsCommand,
  DescribeLifecycleHooksCommand,
  DetachLoadBalancersCommand,
  DetachLoadBalancerTargetGroupsCommand,
  paginateDescribeLoadBalancers,
  paginateDescribeLoadBalancerTargetGroups,
} from "@aws-sdk/client-auto-scaling";
import { chunk } from "@stackyard/core";
import { RELEASE_TAGS } from "../plan/names.ts";
import { ReleaseError } from "../release-errors.ts";
import type { AwsDeps, ReleaseDeps, ReleaseWork } from "../release-state.ts";
import { collect, nameOfGroup, toTagMap } from "../resources/load-groups.ts";
import { setCapacity } from "./set-capacity.ts";

/** How far old groups have been detached and emptied. */
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

type RetireDeps = Pick<ReleaseDeps, "target" | "signal" | "clock" | "report">;

/** The release that replaces a group, and how long the group is kept. */
interface RetireInput {
  readonly releaseId: string;
  readonly windowSeconds: number;
}

/** Records the capacity and attachments of a group in its tags: once, before its load balancers are detached. */
export async function noteFormerService(deps: AwsDeps, group: AutoScalingGroup): Promise<void> {
  if (toTagMap(group.Tags)[RETIRED_TAGS.capacity] !== undefined) return;
  const { MinSize = 0, DesiredCapacity = 0, LoadBalancerNames = [], TargetGroupARNs = [] } = group;
  const former = { min: MinSize, desired: DesiredCapacity, elbs: LoadBalancerNames, targetGroupArns: TargetGroupARNs };
  await tagGroup(deps, nameOfGroup(group), toFormerTags(former));
}

/**
 * Keeps an old group for a rollback: without traffic, but with running servers, so that it can return within a minute.
 * A group without load balancers is scaled to 0 instead, because it would keep working next to the new one. The tag
 * that marks it as kept is written last: until then it is an old group, and a repeat runs the same steps.
 */
export async function retireGroup(deps: RetireDeps, group: AutoScalingGroup, input: RetireInput): Promise<void> {
  const name = nameOfGroup(group);
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

function hadTraffic({ target }: RetireDeps, group: AutoScalingGroup): boolean {
  const { LoadBalancerNames = [], TargetGroupARNs = [] } = group;
  const { elbs = [], targetGroupArns = [] } = parseFormerTags(toTagMap(group.Tags), target) ?? {};
  return [LoadBalancerNames, TargetGroupARNs, elbs, targetGroupArns].some((sources) => sources.length > 0);
}

/** Keys of the additional tags of a group that is kept for a rollback. */
export const RETIRED_TAGS = {
  /** `<min>/<desired>` before the group was retired. */
  capacity: "stackyard:retired-capacity",
  /** Its attachments. Further tags end in `-2`, `-3` … */
  traffic: "stackyard:retired-traffic",
  at: RELEASE_TAGS.retiredAt,
  /** End of its rollback window. */
  until: "stackyard:retired-until",
  /** Id of the release that replaced it. */
  by: "stackyard:retired-by",
} as const;

/** State that a group needs to return to service. */
export interface FormerService {
  readonly min: number;
  readonly desired: number;
  readonly elbs: readonly string[];
  readonly targetGroupArns: readonly string[];
}

/** Parts of the ARNs of target groups. */
export interface TrafficPlace {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

/** EC2 user guide, "Tag restrictions": 256 characters. */
const MAX_VALUE_CHARS = 256;
const CLASSIC = "elb/";

/** Formats the state as tags. ARNs are shortened to their resource part, because tag values are short. */
export function toFormerTags({ min, desired, elbs, targetGroupArns }: FormerService): Readonly<Record<string, string>> {
  const words = [...elbs.map((name) => `${CLASSIC}${name}`), ...targetGroupArns.map(toResource)];
  const values = toValues(words).map((value, at) => [toTrafficKey(at), value] as const);
  return { [RETIRED_TAGS.capacity]: `${min}/${desired}`, ...Object.fromEntries(values) };
}

/** Parses these tags. Returns undefined if they are missing or invalid. */
export function parseFormerTags(
  tags: Readonly<Record<string, string>>,
  place: TrafficPlace,
): FormerService | undefined {
  const [, min, desired] = /^(\d{1,6})\/(\d{1,6})$/.exec(tags[RETIRED_TAGS.capacity] ?? "") ?? [];
  if (min === undefined || desired === undefined) return undefined;
  const words: string[] = [];
  for (let at = 0; tags[toTrafficKey(at)] !== undefined; at += 1) {
    words.push(...(tags[toTrafficKey(at)] ?? "").split(" ").filter(Boolean));
  }
  const prefix = `arn:${place.partition}:elasticloadbalancing:${place.region}:${place.account}:`;
  const isClassic = (word: string): boolean => word.startsWith(CLASSIC);
  return {
    min: Number(min),
    desired: Number(desired),
    elbs: words.filter(isClassic).map((word) => word.slice(CLASSIC.length)),
    targetGroupArns: words.filter((word) => !isClassic(word)).map((word) => `${prefix}${word}`),
  };
}

/** Returns the keys of all these tags that a group has, for removing them. */
export function findRetiredKeys(tags: Readonly<Record<string, string>>): readonly string[] {
  const { traffic, ...others } = RETIRED_TAGS;
  const keys: readonly string[] = Object.values(others);
  return Object.keys(tags).filter((key) => keys.includes(key) || key.startsWith(traffic));
}

function toResource(arn: string): string {
  return arn.split(":").slice(5).join(":");
}

function toTrafficKey(at: number): string {
  return at === 0 ? RETIRED_TAGS.traffic : `${RETIRED_TAGS.traffic}-${at + 1}`;
}

function toValues(words: readonly string[]): readonly string[] {
  const values: string[] = [];
  for (const word of words) {
    const last = values.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= MAX_VALUE_CHARS)
      values[values.length - 1] = `${last} ${word}`;
    else values.push(word);
  }
  return values;
}

const ResourceType = "auto-scaling-group";

/** Adds tags to a group, without propagating them to its servers. */
async function tagGroup(
  { target, signal }: AwsDeps,
  ResourceId: string,
  tags: Readonly<Record<string, string>>,
): Promise<void> {
  const of = { ResourceId, ResourceType, PropagateAtLaunch: false };
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ ...of, Key, Value }));
  await target.client(AutoScalingClient).send(new CreateOrUpdateTagsCommand({ Tags }), { abortSignal: signal });
}

/** Removes tags from a group. Missing ones are ignored (API reference, "DeleteTags"). */
export async function untagGroup(
  { target, signal }: AwsDeps,
  ResourceId: string,
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return;
  const Tags = keys.map((Key) => ({ ResourceId, ResourceType, Key }));
  await target.client(AutoScalingClient).send(new DeleteTagsCommand({ Tags }), { abortSignal: signal });
}

const GONE_NAMES = /NotFound|NoSuchEntity/;
/** Auto Scaling answers so, as a ValidationError, where a group, template or configuration is not there (any more). */
const GONE_MESSAGES = /not found|does not exist|doesn't exist|non-existing/i;

/** Returns true if the error means that the resource to delete or change does not exist. */
export function isGone(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return GONE_NAMES.test(error.name) || (error.name === "ValidationError" && GONE_MESSAGES.test(error.message));
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
