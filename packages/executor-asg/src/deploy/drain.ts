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
  UpdateAutoScalingGroupCommand,
} from "@aws-sdk/client-auto-scaling";
import { type Capacity, planCapacity } from "../plan/capacity.ts";
import { chunk, RELEASE_TAGS, toServiceOrder } from "../plan/names.ts";
import {
  type ReleaseDeps,
  ReleaseError,
  type ReleaseFailureCode,
  type ReleaseState,
  type ReleaseWork,
} from "../release-state.ts";
import { loadGroupsNamed, toTagMap } from "../resources/groups.ts";

/** How far old groups have let go of their connections and servers. */
export interface DrainFacts {
  readonly attachments: readonly Attachment[];
  /** Servers that still are in groups which are to be empty before they are deleted, by group. */
  readonly remaining: Readonly<Record<string, number>>;
  readonly now: number;
  /** Epoch ms; `undefined`: nobody noted it. */
  readonly beganAt: number | undefined;
  readonly budgetSeconds: number;
}

/** `over`: the time for it has passed. */
export type DrainVerdict =
  | { readonly kind: "drained" }
  | { readonly kind: "waiting"; readonly message: string }
  | { readonly kind: "over"; readonly message: string };

/** Judges it: every source must be `Removed`, and groups that are emptied by their hooks must be empty. */
export function judgeDrain({ attachments, remaining, now, beganAt, budgetSeconds }: DrainFacts): DrainVerdict {
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

/**
 * With `keep_scaled_capacity`: an old group that has grown since the release began raises what the new one needs, and the new one is
 * enlarged before traffic moves. A capacity that has fallen changes nothing. Gives the state with the capacities found.
 */
export async function followOldCapacity(
  deps: ReleaseDeps,
  { release, state }: ReleaseWork,
  old: readonly AutoScalingGroup[],
): Promise<ReleaseState> {
  if (!release.keep_scaled_capacity) return state;
  const services = { ...state.services };
  for (const service of toServiceOrder(release)) {
    const { service_name: name, autoscaling } = service;
    const known = services[name];
    const before = findDesired(old, name);
    if (known === undefined || before === undefined || before <= (known.previous_desired_capacity ?? 0)) continue;
    services[name] = { ...known, previous_desired_capacity: before };
    const { targetLaunched } = planCapacity(autoscaling, before);
    await enlarge(deps, known.created_asg, targetLaunched);
  }
  return { ...state, services };
}

function findDesired(old: readonly AutoScalingGroup[], service: string): number | undefined {
  const ofService = old.filter(({ Tags }) => toTagMap(Tags)[RELEASE_TAGS.service] === service);
  return ofService.length === 0 ? undefined : Math.max(...ofService.map(({ DesiredCapacity = 0 }) => DesiredCapacity));
}

async function enlarge(deps: ReleaseDeps, name: string | undefined, desired: number): Promise<void> {
  const [group] = name === undefined ? [] : await loadGroupsNamed(deps, [name]);
  if (group === undefined || (group.DesiredCapacity ?? 0) >= desired) return;
  await setCapacity(deps, group, { min: group.MinSize ?? 0, desired });
  deps.report(`group ${name}: desired capacity ${desired}, since the old group has grown`);
}

const TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING";

/**
 * Where somebody waits for the end of servers, they end by scaling to 0, at whose end their hooks are answered: a group that is
 * deleted by force does not wait for anybody. Gives how many are left; a group without such hooks has none to wait for.
 */
export async function emptyByHooks(
  deps: Pick<ReleaseDeps, "target" | "signal">,
  group: AutoScalingGroup,
): Promise<number> {
  if (!(await hasTerminatingHook(deps, group))) return 0;
  await setCapacity(deps, group, { min: 0, desired: 0 });
  return group.Instances?.length ?? 0;
}

async function hasTerminatingHook(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  { AutoScalingGroupName }: AutoScalingGroup,
): Promise<boolean> {
  const { LifecycleHooks = [] } = await target
    .client(AutoScalingClient)
    .send(new DescribeLifecycleHooksCommand({ AutoScalingGroupName }), { abortSignal: signal });
  return LifecycleHooks.some(({ LifecycleTransition }) => LifecycleTransition === TERMINATING);
}

/** A load balancer or target group of a group, and how far it is attached. */
interface Attachment {
  readonly group: string;
  readonly kind: "classic" | "target-group";
  /** Name of a load balancer, ARN of a target group. */
  readonly id: string;
  /** API reference, "LoadBalancerState": Adding, Added, InService, Removing; Removed when the last connection is gone. */
  readonly state: string;
}

type Deps = Pick<ReleaseDeps, "target" | "signal">;

/** What a group is attached to, or is being detached from, over all pages. */
export async function loadAttachments(deps: Deps, group: string): Promise<readonly Attachment[]> {
  return [...(await loadClassic(deps, group)), ...(await loadTargetGroups(deps, group))];
}

async function loadClassic({ target, signal }: Deps, group: string): Promise<readonly Attachment[]> {
  const client = target.client(AutoScalingClient);
  const found: Attachment[] = [];
  const input = { AutoScalingGroupName: group };
  for await (const { LoadBalancers = [] } of paginateDescribeLoadBalancers({ client }, input, {
    abortSignal: signal,
  })) {
    for (const { LoadBalancerName: id = "", State: state = "unknown" } of LoadBalancers) {
      found.push({ group, kind: "classic", id, state });
    }
  }
  return found;
}

async function loadTargetGroups({ target, signal }: Deps, group: string): Promise<readonly Attachment[]> {
  const client = target.client(AutoScalingClient);
  const found: Attachment[] = [];
  const input = { AutoScalingGroupName: group };
  const pages = paginateDescribeLoadBalancerTargetGroups({ client }, input, { abortSignal: signal });
  for await (const { LoadBalancerTargetGroups = [] } of pages) {
    for (const { LoadBalancerTargetGroupARN: id = "", State: state = "unknown" } of LoadBalancerTargetGroups) {
      found.push({ group, kind: "target-group", id, state });
    }
  }
  return found;
}

/** API reference, "DetachLoadBalancers" and "DetachLoadBalancerTargetGroups": up to 10 at a time. */
const MAX_SOURCES = 10;

/** Begins to take a group from its load balancers: from all that it still lists. Without any there is no call. */
export async function detachTraffic(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
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

/** What Auto Scaling lists may lag behind what it does, and a repeat then asks for what is done. */
async function unlessDetached(detach: () => Promise<unknown>): Promise<void> {
  try {
    await detach();
  } catch (error) {
    const isDone = error instanceof Error && /not (part of|attached)/i.test(error.message);
    if (!isDone && !isGone(error)) throw error;
  }
}

/** Gives a group another minimum and desired capacity. Where it has them there is no call. */
export async function setCapacity(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  { AutoScalingGroupName, MinSize, DesiredCapacity }: AutoScalingGroup,
  { min, desired }: Capacity,
): Promise<void> {
  if (MinSize === min && DesiredCapacity === desired) return;
  const command = new UpdateAutoScalingGroupCommand({ AutoScalingGroupName, MinSize: min, DesiredCapacity: desired });
  await target.client(AutoScalingClient).send(command, { abortSignal: signal });
}

/** Since when a group is being detached. A failed state forgets what it knew; a tag outlives it, and the process. */
const DETACH_BEGAN_TAG = "stackyard:detach-began-at";

/** Sixty tries, ten seconds apart, are what the table of states gives: it needs no clock of its own. */
const TABLE_SECONDS = 600;

/** Tries of the table after the first. */
const TABLE_RETRIES = 60;

/** How long each try waits by itself, in seconds, so that all tries of the table last as long as the release's own time. */
export function toPatience({ release }: ReleaseWork): number {
  return Math.max(0, Math.ceil((release.drain_timeout - TABLE_SECONDS) / TABLE_RETRIES));
}

/** Does the release have a time of its own for the drain? */
export function hasOwnDrainTime({ release }: ReleaseWork): boolean {
  return release.drain_timeout !== TABLE_SECONDS;
}

/** Notes the beginning, once a group. Where that fails the table's tries are the limit. */
export async function noteDrainBegan(deps: ReleaseDeps, group: AutoScalingGroup): Promise<void> {
  if (toTagMap(group.Tags)[DETACH_BEGAN_TAG] !== undefined) return;
  const name = group.AutoScalingGroupName ?? "";
  try {
    await tagGroup(deps, name, { [DETACH_BEGAN_TAG]: new Date(deps.clock.now()).toISOString() });
  } catch (error) {
    deps.signal.throwIfAborted();
    deps.logger.warn("the beginning of the detachment could not be noted", { group: name, error });
  }
}

/** The earliest beginning of these groups, epoch ms. */
export function findDrainBegan(groups: readonly AutoScalingGroup[]): number | undefined {
  const instants = groups
    .map(({ Tags }) => Date.parse(toTagMap(Tags)[DETACH_BEGAN_TAG] ?? ""))
    .filter((at) => !Number.isNaN(at));
  return instants.length === 0 ? undefined : Math.min(...instants);
}

type DepsRetireGroup = Pick<ReleaseDeps, "target" | "signal" | "clock" | "report">;

/** Who takes a group's place, and for how long it is kept. */
interface RetireInput {
  readonly releaseId: string;
  readonly windowSeconds: number;
}

/**
 * Notes on the group how it serves, once: before its load balancers are taken away, and never again after that, however often a state
 * is repeated.
 */
export async function noteFormerService(
  deps: Omit<DepsRetireGroup, "clock" | "report">,
  group: AutoScalingGroup,
): Promise<void> {
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
export async function retireGroup(deps: DepsRetireGroup, group: AutoScalingGroup, input: RetireInput): Promise<void> {
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

function hadTraffic({ target }: DepsRetireGroup, group: AutoScalingGroup): boolean {
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

/** Keys of the tags of a group that is kept for a rollback, beside `RELEASE_TAGS`. */
export const RETIRED_TAGS = {
  /** `<min>/<desired>`, as the group had them. */
  capacity: "stackyard:retired-capacity",
  /** What it was attached to; the second and further tags end in `-2`, `-3` … */
  traffic: "stackyard:retired-traffic",
  at: RELEASE_TAGS.retiredAt,
  /** When its time is over. */
  until: "stackyard:retired-until",
  /** Id of the release that took its place. */
  by: "stackyard:retired-by",
} as const;

/** What a group needs to come back as it was. */
export interface FormerService {
  readonly min: number;
  readonly desired: number;
  readonly elbs: readonly string[];
  readonly targetGroupArns: readonly string[];
}

/** Where ARNs of target groups are. */
export interface TrafficPlace {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

/** EC2 user guide, "Tag restrictions": 256 characters. */
const MAX_VALUE_CHARS = 256;
const CLASSIC = "elb/";

/** The tags that remember it. ARNs are cut to what differs between them, since a value is short. */
export function toFormerTags({ min, desired, elbs, targetGroupArns }: FormerService): Readonly<Record<string, string>> {
  const words = [...elbs.map((name) => `${CLASSIC}${name}`), ...targetGroupArns.map(toResource)];
  const values = toValues(words).map((value, at) => [toTrafficKey(at), value] as const);
  return { [RETIRED_TAGS.capacity]: `${min}/${desired}`, ...Object.fromEntries(values) };
}

/** What they remember; `undefined` where nothing was noted, or somebody has spoilt it. */
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

/** All keys that a group may have of these, for the call that takes them off. */
export function findRetiredKeys(tags: Readonly<Record<string, string>>): readonly string[] {
  const { capacity, at, until, by, traffic } = RETIRED_TAGS;
  return Object.keys(tags).filter(
    (key) => [capacity, at, until, by].some((each) => each === key) || key.startsWith(traffic),
  );
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

/** Puts tags on a group itself; its servers do not get them. */
async function tagGroup(
  { target, signal }: Deps,
  ResourceId: string,
  tags: Readonly<Record<string, string>>,
): Promise<void> {
  const Tags = Object.entries(tags).map(([Key, Value]) => ({
    ResourceId,
    ResourceType,
    Key,
    Value,
    PropagateAtLaunch: false,
  }));
  await target.client(AutoScalingClient).send(new CreateOrUpdateTagsCommand({ Tags }), { abortSignal: signal });
}

/** Takes tags off it. Those that are not there do not matter (API reference, "DeleteTags"). */
export async function untagGroup({ target, signal }: Deps, ResourceId: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  const Tags = keys.map((Key) => ({ ResourceId, ResourceType, Key }));
  await target.client(AutoScalingClient).send(new DeleteTagsCommand({ Tags }), { abortSignal: signal });
}

const GONE_NAMES = /NotFound|NoSuchEntity/;
/** Auto Scaling answers so, as a ValidationError, where a group, template or configuration is not there (any more). */
const GONE_MESSAGES = /not found|does not exist|doesn't exist|non-existing/i;

/** Was something asked to be deleted, or changed, that is not there? Then it need not be. */
export function isGone(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return GONE_NAMES.test(error.name) || (error.name === "ValidationError" && GONE_MESSAGES.test(error.message));
}

/** Deletes what may be gone already. */
export async function deleteIfThere(remove: () => Promise<unknown>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** Does the work for each, whatever becomes of the others; then throws the first error, with the words of all. */
export async function doAll<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const errors: unknown[] = [];
  for (const item of items) await work(item).catch((error: unknown) => errors.push(error));
  throwFirst(errors);
}

function throwFirst(errors: readonly unknown[]): void {
  const [first] = errors;
  if (first === undefined) return;
  if (!(first instanceof ReleaseError) || errors.length === 1) throw first;
  const code: ReleaseFailureCode = first.releaseCode;
  const message = errors.map((error) => (error instanceof Error ? error.message : String(error))).join("\n");
  throw new ReleaseError(code, message, { cause: first });
}
