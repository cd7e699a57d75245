import { findNumber, type SimCall, textsOf } from "../sim-call.ts";
import {
  checkFilterNames,
  type FilterReaders,
  ec2Faults as faults,
  isOwn,
  matchesFilters,
  readFilters,
  toPage,
} from "./ec2-faults.ts";
import { type Ec2State, type SimInstance, stateOf, toInstance } from "./ec2-state.ts";
import type { ImageInput } from "./images.ts";
import { DEFAULT_VPC, type SecurityGroupInput, type SubnetInput } from "./networks.ts";
import type { PlacementGroupInput } from "./placement-groups.ts";

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
  const { availabilityZone = `${region}${"abc"[subnets.size % 3]}` } = input;
  subnets.set(subnetId, { account, region, subnetId, vpcId, availabilityZone, tags, visibleAt: 0 });
  return subnetId;
}

/** Adds a security group; gives its id. */
export function addSecurityGroup({ securityGroups, nextId }: Ec2State, input: SecurityGroupInput): string {
  const { account, region, groupId = nextId("sg"), vpcId = DEFAULT_VPC, tags = {} } = input;
  const { name = tags["Name"] ?? groupId } = input;
  securityGroups.set(groupId, { account, region, groupId, name, vpcId, tags, visibleAt: 0 });
  return groupId;
}

/** Adds a placement group; gives its id. */
export function addPlacementGroup({ placementGroups, nextId }: Ec2State, input: PlacementGroupInput): string {
  const { account, region, name, strategy, partitionCount, state = "available", tags = {} } = input;
  const groupId = nextId("pg");
  placementGroups.set(groupId, {
    account,
    region,
    groupId,
    name,
    strategy,
    partitionCount,
    state,
    tags,
    visibleAt: 0,
  });
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

/** DescribeInstances: the caller's own, by id or by filters, in pages. A reservation holds what was launched together. */
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
