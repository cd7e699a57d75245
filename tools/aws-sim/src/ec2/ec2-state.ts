import { defined } from "@stackyard/core";
import { findNumber, isOwn, type Place, type SimCall, textsOf } from "../sim-call.ts";
import {
  checkFilterNames,
  type FilterReaders,
  ec2Faults as faults,
  matchesFilters,
  readFilters,
  toPage,
  toTagList,
} from "./ec2-faults.ts";
import type { LaunchTemplateStore } from "./launch-templates.ts";
import {
  DEFAULT_VPC,
  type ImageInput,
  type PlacementGroupInput,
  type PlacementGroupStore,
  type SecurityGroupInput,
  type SimImage,
  type SimSecurityGroup,
  type SimSubnet,
  type SubnetInput,
} from "./resources.ts";

/** All that EC2 keeps, of all accounts, by id. */
export interface Ec2State extends LaunchTemplateStore, PlacementGroupStore {
  readonly instances: Map<string, SimInstance>;
  readonly images: Map<string, SimImage>;
  readonly subnets: Map<string, SimSubnet>;
  readonly securityGroups: Map<string, SimSecurityGroup>;
  readonly settings: Ec2Settings;
}

/** How late EC2 is. */
export interface Ec2Settings {
  /**
   * How long Describe operations do not know what was made. Source: EC2 developer guide, "Eventual consistency in the Amazon
   * EC2 API".
   */
  describeLagMs: number;
}

/** Nothing yet. */
export function createEc2State(): Ec2State {
  const given = new Map<string, number>();
  const settings: Ec2Settings = { describeLagMs: 0 };
  return {
    instances: new Map(),
    images: new Map(),
    subnets: new Map(),
    securityGroups: new Map(),
    placementGroups: new Map(),
    launchTemplates: new Map(),
    templateTokens: new Map(),
    settings,
    nextId(prefix) {
      const number = (given.get(prefix) ?? 0) + 1;
      given.set(prefix, number);
      return `${prefix}-${number.toString(16).padStart(17, "0")}`;
    },
    seenAt: (now) => now + settings.describeLagMs,
  };
}

/** One instance of EC2 as the simulation keeps it. */
export interface SimInstance extends Place {
  readonly instanceId: string;
  readonly reservationId: string;
  readonly platform: "windows" | undefined;
  readonly instanceType: string;
  readonly launchedAt: number;
  /** DescribeInstances knows nothing of it before. */
  readonly visibleAt: number;
  readonly states: readonly StateAt[];
  readonly tags: Readonly<Record<string, string>>;
  /** What it was launched with, as far as anybody said. */
  readonly launch: LaunchFacts | undefined;
}

/** The request of RunInstances. */
export interface LaunchFacts {
  readonly imageId: string;
  readonly subnetId: string;
  readonly vpcId: string;
  readonly availabilityZone: string;
  readonly securityGroupIds: readonly string[];
  readonly placementGroup: string | undefined;
  readonly isSpot: boolean;
}

/** A state and since when. */
export interface StateAt {
  readonly at: number;
  readonly state: InstanceState;
}

/** As EC2 names them. */
export type InstanceState = keyof typeof STATE_CODES;

/** API reference, "InstanceState", Code. */
const STATE_CODES = {
  pending: 0,
  running: 16,
  "shutting-down": 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
} as const;

/** Returns the state at an instant. */
export function stateOf({ states }: SimInstance, now: number): InstanceState {
  return states.findLast(({ at }) => at <= now)?.state ?? "pending";
}

/** Follows "Instance", LaunchTime: "updated for instances that are stopped and then started". */
function launchTimeOf({ states, launchedAt }: SimInstance, now: number): number {
  const past = states.filter(({ at }) => at <= now);
  const started = past.findLast(({ state }, index) => state !== "stopped" && past[index - 1]?.state === "stopped");
  return started?.at ?? launchedAt;
}

/** Returns an instance as DescribeInstances answers it, as far as anything here reads it. */
function toInstance(instance: SimInstance, now: number): Readonly<Record<string, unknown>> {
  const { instanceId, instanceType, platform, tags } = instance;
  const state = stateOf(instance, now);
  return {
    InstanceId: instanceId,
    InstanceType: instanceType,
    LaunchTime: new Date(launchTimeOf(instance, now)),
    State: { Code: STATE_CODES[state], Name: state },
    // Absent for Linux ("Instance", Platform: "The value is `Windows` for Windows instances; otherwise blank").
    ...defined({ Platform: platform }),
    PlatformDetails: platform === undefined ? "Linux/UNIX" : "Windows",
    Tags: toTagList(tags),
  };
}

/** Adds an image; gives its id. */
export function addImage({ images, nextId }: Ec2State, input: ImageInput, now: number): string {
  const { account, region, imageId = nextId("ami"), tags = {}, state = "available" } = input;
  const { name = imageId, architecture = "x86_64", sharedWith = [] } = input;
  images.set(imageId, { account, region, imageId, name, tags, state, architecture, sharedWith, createdAt: now });
  return imageId;
}

/** Adds a subnet; gives its id. */
export function addSubnet({ subnets, nextId }: Ec2State, input: SubnetInput): string {
  const { account, region, subnetId = nextId("subnet"), vpcId = DEFAULT_VPC, tags = {} } = input;
  const availabilityZone = `${region}${"abc"[subnets.size % 3]}`;
  subnets.set(subnetId, { account, region, subnetId, vpcId, availabilityZone, tags, visibleAt: 0 });
  return subnetId;
}

/** Adds a security group; gives its id. */
export function addSecurityGroup({ securityGroups, nextId }: Ec2State, input: SecurityGroupInput): string {
  const { account, region, groupId = nextId("sg"), tags = {}, name = tags["Name"] ?? groupId } = input;
  securityGroups.set(groupId, { account, region, groupId, name, vpcId: DEFAULT_VPC, tags, visibleAt: 0 });
  return groupId;
}

/** Adds a placement group; gives its id. */
export function addPlacementGroup({ placementGroups, nextId }: Ec2State, input: PlacementGroupInput): string {
  const { account, region, name, strategy, partitionCount } = input;
  const groupId = nextId("pg");
  placementGroups.set(groupId, { account, region, groupId, name, strategy, partitionCount, tags: {}, visibleAt: 0 });
  return groupId;
}

/** "DescribeInstances", MaxResults: "between 5 and 1000". */
const PAGES = { min: 5, max: 1_000 };
/** Terminated instances "remain visible for a short while (approximately one hour)" (user guide, "Terminate your instance"). */
const TERMINATED_VISIBLE_MS = 3_600_000;
const ID = /^i-([0-9a-f]{8}|[0-9a-f]{17})$/;

const READERS: FilterReaders<SimInstance> = {
  "instance-id": ({ instanceId }) => [instanceId],
  "instance-state-name": (instance, now) => [stateOf(instance, now)],
};

/**
 * Implements DescribeInstances: the caller's own, by id or by filters, in pages. A reservation holds what was launched
 * together.
 */
export function describeInstances(instances: readonly SimInstance[], call: SimCall): unknown {
  const { input, now } = call;
  const own = instances.filter((each) => isOwn(each, call) && isVisible(each, now));
  const ids = textsOf(input, "InstanceIds");
  const filters = readFilters(call);
  checkFilterNames(filters, READERS);
  if (ids.length > 0 && findNumber(input, "MaxResults") !== undefined) {
    throw faults.combined("The parameter instancesSet cannot be used with the parameter maxResults");
  }
  const asked = ids.length === 0 ? own : findAll(own, ids);
  const found = asked.filter((each) => matchesFilters(each, filters, { readers: READERS, now }));
  const { rows, next } = toPage(found, call, PAGES);
  return { Reservations: toReservations(rows, now), ...next };
}

function isVisible(instance: SimInstance, now: number): boolean {
  if (instance.visibleAt > now) return false;
  if (stateOf(instance, now) !== "terminated") return true;
  const since = instance.states.findLast(({ at }) => at <= now)?.at ?? 0;
  return now < since + TERMINATED_VISIBLE_MS;
}

function findAll(own: readonly SimInstance[], ids: readonly string[]): readonly SimInstance[] {
  const malformed = ids.find((id) => !ID.test(id));
  if (malformed !== undefined) throw faults.malformed(malformed);
  const byId = new Map(own.map((each) => [each.instanceId, each]));
  const missing = ids.filter((id) => !byId.has(id));
  if (missing.length > 0) throw faults.missing(missing);
  return own.filter(({ instanceId }) => ids.includes(instanceId));
}

function toReservations(page: readonly SimInstance[], now: number): unknown[] {
  return [...Map.groupBy(page, ({ reservationId }) => reservationId)].map(([ReservationId, group]) => ({
    ReservationId,
    OwnerId: group[0]?.account,
    Instances: group.map((each) => toInstance(each, now)),
  }));
}
