import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import {
  type DescribeSubnetsRequest,
  EC2Client,
  type Image,
  paginateDescribeImages,
  paginateDescribeSecurityGroups,
  paginateDescribeSubnets,
  type SecurityGroup,
  type Subnet,
} from "@aws-sdk/client-ec2";
import {
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
  ElasticLoadBalancingClient,
} from "@aws-sdk/client-elastic-load-balancing";
import {
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  DescribeTagsCommand as DescribeV2TagsCommand,
  ElasticLoadBalancingV2Client,
  type TargetGroup,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { GetInstanceProfileCommand, GetRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { GetTopicAttributesCommand, SNSClient } from "@aws-sdk/client-sns";
import { escapeFilterValue } from "@stackyard/aws";
import { defined } from "@stackyard/core";
import { type LifecycleHook, type Release, type Service, toServiceOrder } from "../document/release.ts";
import type { AwsDeps, ReleaseDeps } from "../release-state.ts";
import { isSubnetId } from "./authorise.ts";
import { collect, loadGroups, toTagMap } from "./load-groups.ts";
import {
  findPlacementGroup,
  type Lookup,
  lookup,
  lookupExisting,
  type PlacementGroupFacts,
  type ResourceProblem,
} from "./lookup.ts";

/** Lookups of everything that a release names. */
export interface ReleaseLookups {
  /** All groups of the project and config, from every release. */
  readonly groups: Lookup<readonly AutoScalingGroup[]>;
  readonly services: readonly ServiceLookups[];
}

/**
 * Lookups of everything that a service names. Resources shared by services are looked up once, except for security
 * groups and placement groups.
 */
export interface ServiceLookups {
  readonly service: Service;
  readonly subnets: Lookup<readonly NetworkFacts[]>;
  readonly image: Lookup<ImageFacts>;
  /** Role and topic of each hook. */
  readonly hooks: readonly Lookup<true>[];
  readonly securityGroups: Lookup<readonly NetworkFacts[]>;
  readonly elbs: readonly Lookup<ClassicBalancerFacts>[];
  readonly targetGroups: readonly Lookup<TargetGroupFacts>[];
  /** Placement group of the service. Found and undefined: it will be created. */
  readonly placement?: Lookup<PlacementGroupFacts | undefined>;
  readonly profile?: Lookup<ProfileFacts>;
}

/**
 * Looks up everything that a release names; read-only. Throws `BAD_RELEASE` only for errors that would fail every
 * further call.
 */
export async function loadReleaseLookups(deps: ReleaseDeps, release: Release): Promise<ReleaseLookups> {
  const what = `the groups of ${release.project_name} ${release.config_name}`;
  const groups = await lookup(deps, { what }, () => loadGroups(deps, release));
  const shared = createShared(deps);
  const order = toServiceOrder(release);
  // Look up the release's own resources first, as the predecessor does. Repeated lookups are cached.
  await shared.subnets(release.subnets);
  await shared.image(release.ami);
  for (const service of order) await loadHooks(shared, release, service);
  const services: ServiceLookups[] = [];
  for (const service of order) services.push(await loadService(deps, shared, { release, service }));
  return { groups, services };
}

/** Looks up a resource that one or more services name. */
type LookUp<Asked, Facts> = (asked: Asked) => Promise<Lookup<Facts>>;

/** The lookups that are made once, even if several services name the same resource. */
interface SharedLookups {
  readonly elb: LookUp<string, ClassicBalancerFacts>;
  readonly targetGroup: LookUp<string, TargetGroupFacts>;
  readonly profile: LookUp<string, ProfileFacts>;
  readonly image: LookUp<string, ImageFacts>;
  readonly hook: (hook: LifecycleHook) => Promise<readonly Lookup<true>[]>;
  readonly subnets: LookUp<readonly string[], readonly NetworkFacts[]>;
}

interface ServiceOfRelease {
  readonly release: Release;
  readonly service: Service;
}

async function loadService(
  deps: ReleaseDeps,
  shared: SharedLookups,
  { release, service }: ServiceOfRelease,
): Promise<ServiceLookups> {
  const { placement_group_name: placement, profile } = service;
  return {
    service,
    subnets: await shared.subnets(service.subnets ?? release.subnets),
    image: await shared.image(service.ami ?? release.ami),
    hooks: await loadHooks(shared, release, service),
    securityGroups: await loadSecurityGroups(deps, service.security_groups),
    elbs: await mapInOrder(service.elbs, shared.elb),
    targetGroups: await mapInOrder(service.target_groups, shared.targetGroup),
    ...(placement !== undefined && { placement: await findPlacementGroup(deps, placement) }),
    ...(profile !== undefined && { profile: await shared.profile(profile) }),
  };
}

function createShared(deps: ReleaseDeps): SharedLookups {
  return {
    elb: remember((name: string) => loadClassicBalancer(deps, name)),
    targetGroup: remember((name: string) => loadTargetGroup(deps, name)),
    profile: remember((name: string) => loadProfile(deps, name)),
    image: remember((ami: string) => loadImage(deps, ami)),
    hook: remember((each: LifecycleHook) => loadHook(deps, each)),
    subnets: remember((asked: readonly string[]) => loadSubnets(deps, asked)),
  };
}

async function loadHooks(shared: SharedLookups, release: Release, service: Service): Promise<readonly Lookup<true>[]> {
  const hooks = Object.values(service.lifecycle ?? release.lifecycle);
  return (await mapInOrder(hooks, shared.hook)).flat();
}

function remember<Asked, Answer>(load: (asked: Asked) => Promise<Answer>): (asked: Asked) => Promise<Answer> {
  const known = new Map<string, Answer>();
  return async (asked) => {
    const key = JSON.stringify(asked);
    const answer = known.get(key) ?? (await load(asked));
    known.set(key, answer);
    return answer;
  };
}

/** Maps items one after the other, so that AWS calls are not made in parallel and the first error is deterministic. */
async function mapInOrder<Item, Result>(
  items: readonly Item[],
  map: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const item of items) results.push(await map(item));
  return results;
}

/**
 * Looks up all subnets that a document's list may refer to, by id and by the tag `Name`. `matchByName` assigns them.
 */
export async function loadSubnets(
  deps: ReleaseDeps,
  asked: readonly string[],
): Promise<Lookup<readonly NetworkFacts[]>> {
  const ids = [...new Set(asked.filter(isSubnetId))];
  const names = [...new Set(asked.filter((each) => !isSubnetId(each)))];
  const what = `subnets ${asked.map((each) => `"${each}"`).join(", ")}`;
  const message = `Subnets: not all of ${ids.join(", ")} exist in this account and region.`;
  const missing = { code: "release-subnet-missing", message };
  return lookup(deps, { what, missing }, async () => {
    const byId = ids.length === 0 ? [] : await loadAllSubnets(deps, { SubnetIds: ids });
    const filter = { Name: "tag:Name", Values: names.map(escapeFilterValue) };
    const byName = names.length === 0 ? [] : await loadAllSubnets(deps, { Filters: [filter] });
    // Remove duplicates: a subnet may be found by id and by name.
    const byBoth = new Map([...byId, ...byName].map((each) => [each.SubnetId ?? "", each]));
    return [...byBoth].map(([id, subnet]) => toNetworkFacts(id, subnet));
  });
}

async function loadAllSubnets({ target, signal }: AwsDeps, input: DescribeSubnetsRequest): Promise<readonly Subnet[]> {
  const pages = paginateDescribeSubnets({ client: target.client(EC2Client) }, input, { abortSignal: signal });
  return collect(pages, ({ Subnets }) => Subnets);
}

function toNetworkFacts(id: string, { Tags, VpcId: vpc }: Subnet | SecurityGroup): NetworkFacts {
  const tags = toTagMap(Tags);
  const name = tags["Name"];
  return { id, tags, ...defined({ name, vpc }) };
}

/** Facts about a subnet or security group. */
export interface NetworkFacts {
  readonly id: string;
  /** The tag `Name`. */
  readonly name?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly vpc?: string;
}

/** Looks up all security groups by their tag `Name`. Ids are not accepted. */
export async function loadSecurityGroups(
  deps: ReleaseDeps,
  names: readonly string[],
): Promise<Lookup<readonly NetworkFacts[]>> {
  const what = `security groups ${names.map((each) => `"${each}"`).join(", ")}`;
  if (names.length === 0) return { kind: "found", value: [] };
  return lookup(deps, { what }, async () => {
    const input = { Filters: [{ Name: "tag:Name", Values: names.map(escapeFilterValue) }] };
    const client = deps.target.client(EC2Client);
    const pages = paginateDescribeSecurityGroups({ client }, input, { abortSignal: deps.signal });
    const groups = await collect(pages, ({ SecurityGroups }) => SecurityGroups);
    return groups.map((group) => toNetworkFacts(group.GroupId ?? "", group));
  });
}

/** Facts about an image. */
export interface ImageFacts {
  readonly id: string;
  readonly tags: Readonly<Record<string, string>>;
  /** `available` if instances can be launched from it. */
  readonly state?: string;
  /** Account. */
  readonly owner?: string;
  readonly architecture?: string;
}

/** Looks up an image by id, or by the tag `Name` if exactly one image has it. */
export async function loadImage(deps: ReleaseDeps, ami: string): Promise<Lookup<ImageFacts>> {
  const what = `image "${ami}"`;
  const problem = {
    code: "release-image-missing",
    message: `Image: image is nil: image "${ami}" does not exist in this account and region.`,
  };
  const found = await lookup(deps, { what, missing: problem }, () => loadImages(deps, ami));
  if (found.kind === "refused") return found;
  const [image, ...others] = found.value;
  if (image === undefined) return { kind: "refused", problems: [problem] };
  if (others.length === 0) return { kind: "found", value: toImageFacts(image) };
  const ids = found.value.map(({ ImageId }) => ImageId).join(", ");
  const message = `Image: "${ami}" is the name of ${found.value.length} images (${ids}). Use the id of one of them.`;
  return { kind: "refused", problems: [{ code: "release-image-ambiguous", message }] };
}

/** Returns true for an id, which starts with `ami-`; everything else is a name. */
function isImageId(ami: string): boolean {
  return ami.startsWith("ami-") && ami.length >= 5;
}

async function loadImages({ target, signal }: ReleaseDeps, ami: string): Promise<readonly Image[]> {
  if (ami === "") return [];
  const input = isImageId(ami)
    ? { ImageIds: [ami] }
    : { Filters: [{ Name: "tag:Name", Values: [escapeFilterValue(ami)] }] };
  const pages = paginateDescribeImages({ client: target.client(EC2Client) }, input, { abortSignal: signal });
  return collect(pages, ({ Images }) => Images);
}

function toImageFacts({ ImageId = "", Tags, State, OwnerId, Architecture }: Image): ImageFacts {
  const facts = defined({ state: State, owner: OwnerId, architecture: Architecture });
  return { id: ImageId, tags: toTagMap(Tags), ...facts };
}

/** Facts about an instance profile. */
interface ProfileFacts {
  readonly arn: string;
  readonly name: string;
  /** Path of the profile, not of its role. */
  readonly path: string;
}

/** Looks up an instance profile by name. */
async function loadProfile(deps: ReleaseDeps, name: string): Promise<Lookup<ProfileFacts>> {
  const message = `Profile: instance profile "${name}" does not exist in this account.`;
  const missing = { code: "release-profile-missing", message };
  return lookup(deps, { what: `instance profile "${name}"`, missing }, async () => {
    const command = new GetInstanceProfileCommand({ InstanceProfileName: name });
    const { InstanceProfile } = await deps.target.client(IAMClient).send(command, { abortSignal: deps.signal });
    return { arn: InstanceProfile?.Arn ?? "", name, path: InstanceProfile?.Path ?? "" };
  });
}

/** Facts about a classic load balancer. */
interface ClassicBalancerFacts {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly vpc?: string;
}

/** Names in the SDK and in the API ("DescribeLoadBalancers", version 2012-06-01). */
/** Looks up a classic load balancer by name. */
export async function loadClassicBalancer(deps: ReleaseDeps, name: string): Promise<Lookup<ClassicBalancerFacts>> {
  const message = `ELB: classic load balancer "${name}" does not exist in this account and region.`;
  const missing = { code: "release-load-balancer-missing", message };
  return lookupExisting(deps, { what: `classic load balancer "${name}"`, missing }, () => findBalancer(deps, name));
}

/** Returns the load balancer with exactly this name, or undefined. Names are unique in an account and region. */
async function findBalancer({ target, signal }: ReleaseDeps, name: string): Promise<ClassicBalancerFacts | undefined> {
  const client = target.client(ElasticLoadBalancingClient);
  const options = { abortSignal: signal };
  const asked = { LoadBalancerNames: [name] };
  const { LoadBalancerDescriptions = [] } = await client.send(new DescribeLoadBalancersCommand(asked), options);
  const balancer = LoadBalancerDescriptions.find(({ LoadBalancerName }) => LoadBalancerName === name);
  if (balancer === undefined) return undefined;
  const { TagDescriptions = [] } = await client.send(new DescribeTagsCommand(asked), options);
  const described = TagDescriptions.find(({ LoadBalancerName }) => LoadBalancerName === name);
  return { name, tags: toTagMap(described?.Tags), ...defined({ vpc: balancer.VPCId }) };
}

/** Facts about a target group. */
interface TargetGroupFacts {
  readonly arn: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Seconds in which new targets receive less traffic; 0 if slow start is off. */
  readonly slowStartSeconds: number;
  readonly vpc?: string;
  /** Resource label for scaling policies. Missing if no application load balancer uses the target group. */
  readonly requestLabel?: string;
}

/** Names in the SDK and in the API ("DescribeTargetGroups", version 2015-12-01). */
const SLOW_START = "slow_start.duration_seconds";

/** Looks up a target group by name. */
export async function loadTargetGroup(deps: ReleaseDeps, name: string): Promise<Lookup<TargetGroupFacts>> {
  const message = `Target group: target group "${name}" does not exist in this account and region.`;
  const missing = { code: "release-target-group-missing", message };
  return lookupExisting(deps, { what: `target group "${name}"`, missing }, () => findTargetGroup(deps, name));
}

/** Returns the target group with exactly this name, or undefined. Names are unique in an account and region. */
async function findTargetGroup(deps: ReleaseDeps, name: string): Promise<TargetGroupFacts | undefined> {
  const client = deps.target.client(ElasticLoadBalancingV2Client);
  const options = { abortSignal: deps.signal };
  const { TargetGroups = [] } = await client.send(new DescribeTargetGroupsCommand({ Names: [name] }), options);
  const group = TargetGroups.find(({ TargetGroupName }) => TargetGroupName === name);
  const arn = group?.TargetGroupArn;
  if (group === undefined || arn === undefined) return undefined;
  const { TagDescriptions = [] } = await client.send(new DescribeV2TagsCommand({ ResourceArns: [arn] }), options);
  const described = TagDescriptions.find(({ ResourceArn }) => ResourceArn === arn);
  const label = toRequestLabel(group);
  return {
    arn,
    name,
    tags: toTagMap(described?.Tags),
    slowStartSeconds: await loadSlowStart(deps, arn),
    ...defined({ vpc: group.VpcId, requestLabel: label }),
  };
}

/** Returns the slow start in seconds, or 0 if it cannot be read: a release does not fail because of a pause. */
async function loadSlowStart({ target, signal, logger }: ReleaseDeps, arn: string): Promise<number> {
  try {
    const client = target.client(ElasticLoadBalancingV2Client);
    const command = new DescribeTargetGroupAttributesCommand({ TargetGroupArn: arn });
    const { Attributes = [] } = await client.send(command, { abortSignal: signal });
    const seconds = Number(Attributes.find(({ Key }) => Key === SLOW_START)?.Value ?? 0);
    return Number.isFinite(seconds) ? seconds : 0;
  } catch (error) {
    signal.throwIfAborted();
    logger.warn("Cannot read the slow start of a target group. Assuming none.", { targetGroup: arn, error });
    return 0;
  }
}

/**
 * Returns the label of a target group's requests (Auto Scaling API reference, "PredefinedMetricSpecification",
 * ResourceLabel).
 */
function toRequestLabel({ TargetGroupArn = "", LoadBalancerArns = [] }: TargetGroup): string | undefined {
  const balancers = LoadBalancerArns.map((arn) => arn.split(":loadbalancer/")[1]);
  const balancer = balancers.find((each) => each?.startsWith("app/"));
  const group = TargetGroupArn.split(":").at(-1);
  return balancer === undefined || group === undefined ? undefined : `${balancer}/${group}`;
}

/** Looks up the role and the topic of a hook. A hook for EventBridge has neither. */
async function loadHook(deps: ReleaseDeps, hook: LifecycleHook): Promise<readonly Lookup<true>[]> {
  const { notification_target_arn: topic } = hook;
  if (topic === undefined) return [];
  const role = await loadRole(deps, hook);
  return hook.sns === undefined ? [role] : [role, await loadTopic(deps, hook.name, topic)];
}

async function loadRole(deps: ReleaseDeps, { name, role }: LifecycleHook): Promise<Lookup<true>> {
  const problem = (text: string): ResourceProblem => ({
    code: "release-hook-role-missing",
    message: `LifeCycle(${name}): ${text}`,
  });
  if (role === undefined || role === "") {
    return { kind: "refused", problems: [problem('The role is looked up by name. Set "role" to its name.')] };
  }
  const missing = problem(`Role "${role}" does not exist in this account.`);
  return lookup(deps, { what: `role "${role}"`, missing }, async () => {
    const command = new GetRoleCommand({ RoleName: role });
    await deps.target.client(IAMClient).send(command, { abortSignal: deps.signal });
    return true as const;
  });
}

/** SNS API reference, "GetTopicAttributes". */
async function loadTopic(deps: ReleaseDeps, hook: string, arn: string): Promise<Lookup<true>> {
  const message = `LifeCycle(${hook}): Topic "${arn}" does not exist.`;
  const missing = { code: "release-hook-topic-missing", message };
  return lookup(deps, { what: `topic "${arn}"`, missing }, async () => {
    const command = new GetTopicAttributesCommand({ TopicArn: arn });
    await deps.target.client(SNSClient).send(command, { abortSignal: deps.signal });
    return true as const;
  });
}

/** Returns the found value as a list of one; empty if the lookup failed or was not made. */
export function foundOf<Found>(look: Lookup<Found> | undefined): readonly Found[] {
  return look?.kind === "found" ? [look.value] : [];
}
