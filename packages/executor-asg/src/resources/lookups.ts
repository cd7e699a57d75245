import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import {
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
  DescribeTagsCommand as DescribeTagsCommandLoadTargetGroup,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  ElasticLoadBalancingV2Client,
  type TargetGroup,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { GetInstanceProfileCommand, GetRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { GetTopicAttributesCommand, SNSClient } from "@aws-sdk/client-sns";
import type { LifecycleHook, Release, Service } from "../document/release.ts";
import { toServiceOrder } from "../plan/names.ts";
import type { ReleaseDeps } from "../release-state.ts";
import { isSubnetId } from "./authorise.ts";
import {
  escapeFilterValue,
  findPlacementGroup,
  type LookUp,
  loadGroups,
  lookUp,
  type PlacementGroupFacts,
  type ResourceProblem,
  toTagMap,
} from "./groups.ts";

/** All that a release names, looked up. */
export interface ReleaseLookUps {
  /** Of the project-config, of every release. */
  readonly groups: LookUp<readonly AutoScalingGroup[]>;
  readonly services: readonly ServiceLookUps[];
}

/** All that a service names. What several services name is looked up once, except for security groups and placement groups. */
export interface ServiceLookUps {
  readonly service: Service;
  readonly subnets: LookUp<readonly NetworkFacts[]>;
  readonly image: LookUp<ImageFacts>;
  /** A role and a topic for each hook. */
  readonly hooks: readonly LookUp<true>[];
  readonly securityGroups: LookUp<readonly NetworkFacts[]>;
  readonly elbs: readonly LookUp<ClassicBalancerFacts>[];
  readonly targetGroups: readonly LookUp<TargetGroupFacts>[];
  /** Of a service that has one; found and `undefined`: it is to be made. */
  readonly placement?: LookUp<PlacementGroupFacts | undefined>;
  readonly profile?: LookUp<ProfileFacts>;
}

/** Looks everything up and changes nothing. Throws `BAD_RELEASE` only where no further call could work. */
export async function loadReleaseLookUps(deps: ReleaseDeps, release: Release): Promise<ReleaseLookUps> {
  const what = `the groups of ${release.project_name} ${release.config_name}`;
  const groups = await lookUp(deps, { what }, () => loadGroups(deps, release));
  const shared = createShared(deps);
  const order = toServiceOrder(release);
  // Everything of the release first, as the predecessor asks; what comes again is known then.
  await shared.subnets(release.subnets);
  await shared.image(release.ami);
  for (const service of order) await loadHooks(shared, release, service);
  const services: ServiceLookUps[] = [];
  for (const service of order) services.push(await loadService(deps, shared, { release, service }));
  return { groups, services };
}

type Shared = ReturnType<typeof createShared>;

interface ServiceOfRelease {
  readonly release: Release;
  readonly service: Service;
}

async function loadService(
  deps: ReleaseDeps,
  shared: Shared,
  { release, service }: ServiceOfRelease,
): Promise<ServiceLookUps> {
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

/** Of these each is asked for once, however many services name it. */
function createShared(deps: ReleaseDeps) {
  return {
    elb: remember((name: string) => loadClassicBalancer(deps, name)),
    targetGroup: remember((name: string) => loadTargetGroup(deps, name)),
    profile: remember((name: string) => loadProfile(deps, name)),
    image: remember((ami: string) => loadImage(deps, ami)),
    hook: remember((each: Release["lifecycle"][string]) => loadHook(deps, each)),
    subnets: remember((asked: readonly string[]) => loadSubnets(deps, asked)),
  };
}

async function loadHooks(shared: Shared, release: Release, service: Service): Promise<readonly LookUp<true>[]> {
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

/** One after the other: AWS counts calls, and the first error is always the same one. */
async function mapInOrder<Item, Result>(
  items: readonly Item[],
  map: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const item of items) results.push(await map(item));
  return results;
}

/** EC2 API reference, "Error codes". */
const MISSING = ["InvalidSubnetID.NotFound", "InvalidSubnetID.Malformed", "InvalidSubnetId.Malformed"];

/** All subnets that a document's list can mean: by ids, and by the tag `Name`. Which one is meant by what is decided elsewhere. */
export async function loadSubnets(
  deps: ReleaseDeps,
  asked: readonly string[],
): Promise<LookUp<readonly NetworkFacts[]>> {
  const ids = [...new Set(asked.filter(isSubnetId))];
  const names = [...new Set(asked.filter((each) => !isSubnetId(each)))];
  const what = `subnets ${asked.map((each) => `"${each}"`).join(", ")}`;
  const message = `Subnets: not all of ${ids.join(", ")} are subnets of this account and region.`;
  const missing = { errors: MISSING, problem: { code: "release-subnet-missing", message } };
  return lookUp(deps, { what, missing }, async () => {
    const byId = ids.length === 0 ? [] : await loadAll(deps, { SubnetIds: ids });
    const filter = { Name: "tag:Name", Values: names.map(escapeFilterValue) };
    const byName = names.length === 0 ? [] : await loadAll(deps, { Filters: [filter] });
    // One that is asked for by its id and by its name is still one.
    return [...new Map([...byId, ...byName].map((each) => [each.SubnetId, toFacts(each)])).values()];
  });
}

async function loadAll(
  { target, signal }: ReleaseDeps,
  input: Parameters<typeof paginateDescribeSubnets>[1],
): Promise<readonly Subnet[]> {
  const subnets: Subnet[] = [];
  const pages = paginateDescribeSubnets({ client: target.client(EC2Client) }, input, { abortSignal: signal });
  for await (const { Subnets = [] } of pages) subnets.push(...Subnets);
  return subnets;
}

function toFacts({ SubnetId = "", Tags, VpcId }: Subnet): NetworkFacts {
  const tags = toTagMap(Tags);
  const name = tags["Name"];
  return { id: SubnetId, tags, ...(name !== undefined && { name }), ...(VpcId !== undefined && { vpc: VpcId }) };
}

/** A subnet or a security group as the rules look at it. */
export interface NetworkFacts {
  readonly id: string;
  /** The tag `Name`. */
  readonly name?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly vpc?: string;
}

/** All security groups whose tag `Name` is one of these. Ids are no names. */
export async function loadSecurityGroups(
  deps: ReleaseDeps,
  names: readonly string[],
): Promise<LookUp<readonly NetworkFacts[]>> {
  const what = `security groups ${names.map((each) => `"${each}"`).join(", ")}`;
  if (names.length === 0) return { kind: "found", value: [] };
  return lookUp(deps, { what }, async () =>
    (await loadAllLoadSecurityGroups(deps, names)).map(toFactsLoadSecurityGroups),
  );
}

async function loadAllLoadSecurityGroups(
  { target, signal }: ReleaseDeps,
  names: readonly string[],
): Promise<readonly SecurityGroup[]> {
  const groups: SecurityGroup[] = [];
  const input = { Filters: [{ Name: "tag:Name", Values: names.map(escapeFilterValue) }] };
  const client = target.client(EC2Client);
  const pages = paginateDescribeSecurityGroups({ client }, input, { abortSignal: signal });
  for await (const { SecurityGroups = [] } of pages) groups.push(...SecurityGroups);
  return groups;
}

function toFactsLoadSecurityGroups({ GroupId = "", Tags, VpcId }: SecurityGroup): NetworkFacts {
  const tags = toTagMap(Tags);
  const name = tags["Name"];
  return { id: GroupId, tags, ...(name !== undefined && { name }), ...(VpcId !== undefined && { vpc: VpcId }) };
}

/** An image as the rules look at it. */
export interface ImageFacts {
  readonly id: string;
  readonly tags: Readonly<Record<string, string>>;
  /** `available`, when instances can be launched from it. */
  readonly state?: string;
  /** Account. */
  readonly owner?: string;
  readonly architecture?: string;
}

/** EC2 API reference, "Error codes": the id of no image, or of one that is not ours to see. */
const MISSING_LOAD_IMAGE = ["InvalidAMIID.NotFound", "InvalidAMIID.Malformed", "InvalidAMIID.Unavailable"];

/** The image that a document means by an id, or by the tag `Name` of exactly one. */
export async function loadImage(deps: ReleaseDeps, ami: string): Promise<LookUp<ImageFacts>> {
  const what = `image "${ami}"`;
  const problem = toMissing(ami);
  const found = await lookUp(deps, { what, missing: { errors: MISSING_LOAD_IMAGE, problem } }, () =>
    loadImages(deps, ami),
  );
  if (found.kind === "refused") return found;
  const [image, ...others] = found.value;
  if (image === undefined) return { kind: "refused", problems: [problem] };
  if (others.length === 0) return { kind: "found", value: toFactsLoadImage(image) };
  const ids = found.value.map(({ ImageId }) => ImageId).join(", ");
  const message = `Image: "${ami}" is the name of ${found.value.length} images (${ids}). Name one of them by its id.`;
  return { kind: "refused", problems: [{ code: "release-image-ambiguous", message }] };
}

/** `ami-` and anything behind it is an id, all else a name. */
function isImageId(ami: string): boolean {
  return ami.startsWith("ami-") && ami.length >= 5;
}

async function loadImages({ target, signal }: ReleaseDeps, ami: string): Promise<readonly Image[]> {
  if (ami === "") return [];
  const input = isImageId(ami)
    ? { ImageIds: [ami] }
    : { Filters: [{ Name: "tag:Name", Values: [escapeFilterValue(ami)] }] };
  const images: Image[] = [];
  const pages = paginateDescribeImages({ client: target.client(EC2Client) }, input, { abortSignal: signal });
  for await (const { Images = [] } of pages) images.push(...Images);
  return images;
}

function toMissing(ami: string): ResourceProblem {
  return {
    code: "release-image-missing",
    message: `Image: image is nil: there is no image "${ami}" in this account and region.`,
  };
}

function toFactsLoadImage({ ImageId = "", Tags, State, OwnerId, Architecture }: Image): ImageFacts {
  return {
    id: ImageId,
    tags: toTagMap(Tags),
    ...(State !== undefined && { state: State }),
    ...(OwnerId !== undefined && { owner: OwnerId }),
    ...(Architecture !== undefined && { architecture: Architecture }),
  };
}

/** An instance profile as the rules look at it. */
interface ProfileFacts {
  readonly arn: string;
  readonly name: string;
  /** Of the profile, not of its role. */
  readonly path: string;
}

/** The instance profile of that name. */
async function loadProfile(deps: ReleaseDeps, name: string): Promise<LookUp<ProfileFacts>> {
  const message = `Profile: there is no instance profile "${name}" in this account.`;
  const problem = { code: "release-profile-missing", message };
  const missing = { errors: ["NoSuchEntityException", "NoSuchEntity"], problem };
  return lookUp(deps, { what: `instance profile "${name}"`, missing }, async () => {
    const command = new GetInstanceProfileCommand({ InstanceProfileName: name });
    const { InstanceProfile } = await deps.target.client(IAMClient).send(command, { abortSignal: deps.signal });
    return { arn: InstanceProfile?.Arn ?? "", name, path: InstanceProfile?.Path ?? "" };
  });
}

/** A classic load balancer as the rules look at it. */
interface ClassicBalancerFacts {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly vpc?: string;
}

/** The SDK's class and the code on the wire ("DescribeLoadBalancers", version 2012-06-01). */
const MISSING_LOAD_CLASSIC_BALANCER = ["AccessPointNotFoundException", "AccessPointNotFound", "LoadBalancerNotFound"];

/** The classic load balancer of that name. */
export async function loadClassicBalancer(deps: ReleaseDeps, name: string): Promise<LookUp<ClassicBalancerFacts>> {
  const message = `ELB: there is no classic load balancer "${name}" in this account and region.`;
  const problem = { code: "release-load-balancer-missing", message };
  const input = {
    what: `classic load balancer "${name}"`,
    missing: { errors: MISSING_LOAD_CLASSIC_BALANCER, problem },
  };
  const found = await lookUp(deps, input, () => findBalancer(deps, name));
  if (found.kind === "refused") return found;
  return found.value === undefined ? { kind: "refused", problems: [problem] } : { kind: "found", value: found.value };
}

/** `undefined`: none of exactly that name. Names of classic load balancers are unique in an account and region. */
async function findBalancer({ target, signal }: ReleaseDeps, name: string): Promise<ClassicBalancerFacts | undefined> {
  const client = target.client(ElasticLoadBalancingClient);
  const asked = { LoadBalancerNames: [name] };
  const { LoadBalancerDescriptions = [] } = await client.send(new DescribeLoadBalancersCommand(asked), {
    abortSignal: signal,
  });
  const balancer = LoadBalancerDescriptions.find(({ LoadBalancerName }) => LoadBalancerName === name);
  if (balancer === undefined) return undefined;
  const { TagDescriptions = [] } = await client.send(new DescribeTagsCommand(asked), { abortSignal: signal });
  const described = TagDescriptions.find(({ LoadBalancerName }) => LoadBalancerName === name);
  return { name, tags: toTagMap(described?.Tags), ...(balancer.VPCId !== undefined && { vpc: balancer.VPCId }) };
}

/** A target group as the rules look at it. */
interface TargetGroupFacts {
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
const MISSING_LOAD_TARGET_GROUP = ["TargetGroupNotFoundException", "TargetGroupNotFound"];
const SLOW_START = "slow_start.duration_seconds";

/** The target group of that name. */
export async function loadTargetGroup(deps: ReleaseDeps, name: string): Promise<LookUp<TargetGroupFacts>> {
  const message = `Target group: there is no target group "${name}" in this account and region.`;
  const problem = { code: "release-target-group-missing", message };
  const input = { what: `target group "${name}"`, missing: { errors: MISSING_LOAD_TARGET_GROUP, problem } };
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
  const { TagDescriptions = [] } = await client.send(
    new DescribeTagsCommandLoadTargetGroup({ ResourceArns: [arn] }),
    options,
  );
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

/** The role and the topic of a hook stand, both of them; one for EventBridge alone has none. */
async function loadHook(deps: ReleaseDeps, hook: LifecycleHook): Promise<readonly LookUp<true>[]> {
  const { notification_target_arn: topic } = hook;
  if (topic === undefined) return [];
  const role = await loadRole(deps, hook);
  return hook.sns === undefined ? [role] : [role, await loadTopic(deps, hook.name, topic)];
}

async function loadRole(deps: ReleaseDeps, { name, role }: LifecycleHook): Promise<LookUp<true>> {
  const problem = (text: string): ResourceProblem => ({
    code: "release-hook-role-missing",
    message: `LifeCycle(${name}): ${text}`,
  });
  if (role === undefined || role === "") {
    return { kind: "refused", problems: [problem('Its role is looked up by name. Give the role\'s name as "role".')] };
  }
  const missing = {
    errors: ["NoSuchEntityException", "NoSuchEntity"],
    problem: problem(`There is no role "${role}" in this account.`),
  };
  return lookUp(deps, { what: `role "${role}"`, missing }, async () => {
    const command = new GetRoleCommand({ RoleName: role });
    await deps.target.client(IAMClient).send(command, { abortSignal: deps.signal });
    return true as const;
  });
}

/** SNS API reference, "GetTopicAttributes": `NotFound` on the wire. */
const NO_TOPIC = ["NotFoundException", "NotFound"];

async function loadTopic(deps: ReleaseDeps, hook: string, arn: string): Promise<LookUp<true>> {
  const message = `LifeCycle(${hook}): There is no topic "${arn}".`;
  const missing = { errors: NO_TOPIC, problem: { code: "release-hook-topic-missing", message } };
  return lookUp(deps, { what: `topic "${arn}"`, missing }, async () => {
    const command = new GetTopicAttributesCommand({ TopicArn: arn });
    await deps.target.client(SNSClient).send(command, { abortSignal: deps.signal });
    return true as const;
  });
}

/** What a look-up found, as a list of one; empty where it was refused, or nothing was looked up. */
export function foundOf<Found>(look: LookUp<Found> | undefined): readonly Found[] {
  return look?.kind === "found" ? [look.value] : [];
}
