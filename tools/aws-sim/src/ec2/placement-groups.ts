import { findNumber, findText, type SimCall } from "../sim-call.ts";
import { type Ec2Resource, ec2Faults as faults, isOwn, ownOf, readTagSpecifications, toTagList } from "./ec2-faults.ts";
import { describeResources, type ResourceKind } from "./networks.ts";

/** A placement group. */
export interface SimPlacementGroup extends Ec2Resource {
  readonly groupId: string;
  readonly name: string;
  readonly strategy: string;
  readonly partitionCount: number | undefined;
  readonly state: "pending" | "available" | "deleting" | "deleted";
}

/** What tests say of a placement group. */
export interface PlacementGroupInput {
  readonly account: string;
  readonly region: string;
  readonly name: string;
  readonly strategy: "cluster" | "spread" | "partition";
  readonly partitionCount?: number;
  /** Default: `available`. */
  readonly state?: SimPlacementGroup["state"];
  readonly tags?: Readonly<Record<string, string>>;
}

/** The placement groups of all accounts. */
type PlacementGroups = Map<string, SimPlacementGroup>;

/** The store, and what gives new ones their ids and instants. */
export interface PlacementGroupStore {
  readonly placementGroups: PlacementGroups;
  /** A new id, such as `pg-…`. */
  nextId(prefix: string): string;
  /** When Describe operations know of what is made at an instant. */
  seenAt(now: number): number;
}

const unknown = (name: string) =>
  faults.named("InvalidPlacementGroup.Unknown", `The Placement Group '${name}' is unknown.`);
const STRATEGIES = ["cluster", "spread", "partition"];
/** "CreatePlacementGroup": names up to 255 ASCII characters. */
const NAME = /^[\x20-\x7e]{1,255}$/;
/** EC2 user guide, "Placement groups": "a maximum of seven partitions per Availability Zone"; 500 groups per account and Region. */
const MAX_PARTITIONS = 7;
const MAX_GROUPS = 500;

const KIND: ResourceKind<SimPlacementGroup> = {
  keys: {
    GroupNames: { of: ({ name }) => name, missing: unknown },
    GroupIds: { of: ({ groupId }) => groupId, missing: unknown },
  },
  readers: {
    "group-name": ({ name }) => [name],
  },
  answer: "PlacementGroups",
  toOutput,
};

/** DescribePlacementGroups. Source: EC2 API reference. */
export function describePlacementGroups(groups: PlacementGroups, call: SimCall): unknown {
  return describeResources(ownOf(groups.values(), call), KIND, call);
}

/** CreatePlacementGroup. Source: EC2 API reference. */
export function createPlacementGroup(store: PlacementGroupStore, call: SimCall): unknown {
  const { placementGroups: groups } = store;
  const { input, identity, region, now } = call;
  const name = findText(input, "GroupName") ?? "";
  if (!NAME.test(name)) throw faults.invalid(`Invalid placement group name: '${name}'`);
  if (findOwn(groups, name, call)) {
    throw faults.named("InvalidPlacementGroup.Duplicate", `The Placement Group '${name}' already exists.`);
  }
  if ([...groups.values()].filter((each) => isOwn(each, call)).length >= MAX_GROUPS) {
    throw faults.named("PlacementGroupLimitExceeded", `The maximum number of placement groups is ${MAX_GROUPS}.`);
  }
  const { strategy, partitionCount } = readStrategy(input);
  const tags = readTagSpecifications(call, "placement-group");
  const place = { account: identity.account, region, groupId: store.nextId("pg") };
  const about = { name, strategy, partitionCount, tags, visibleAt: store.seenAt(now) };
  const group: SimPlacementGroup = { ...place, ...about, state: "available" };
  groups.set(group.groupId, group);
  return { PlacementGroup: toOutput(group) };
}

/** DeletePlacementGroup. `isUsed`: are there instances in it? */
export function deletePlacementGroup(
  groups: PlacementGroups,
  call: SimCall,
  isUsed: (group: SimPlacementGroup) => boolean,
): unknown {
  const name = findText(call.input, "GroupName") ?? "";
  const group = findOwn(groups, name, call);
  if (group === undefined) throw unknown(name);
  if (isUsed(group)) {
    throw faults.named(
      "InvalidPlacementGroup.InUse",
      `The placement group '${name}' is in use and may not be deleted.`,
    );
  }
  groups.delete(group.groupId);
  return {};
}

function findOwn(groups: PlacementGroups, name: string, call: SimCall): SimPlacementGroup | undefined {
  return [...groups.values()].find((each) => isOwn(each, call) && each.name === name);
}

function readStrategy(input: SimCall["input"]) {
  const strategy = findText(input, "Strategy") ?? "cluster";
  if (!STRATEGIES.includes(strategy)) throw faults.invalid(`Value (${strategy}) for parameter strategy is invalid.`);
  const asked = findNumber(input, "PartitionCount");
  if (asked !== undefined && strategy !== "partition") {
    throw faults.combined("The parameter PartitionCount can only be used with the partition strategy");
  }
  const count = strategy === "partition" ? (asked ?? MAX_PARTITIONS) : undefined;
  if (count !== undefined && !(count >= 1 && count <= MAX_PARTITIONS)) {
    throw faults.invalid(`Value (${count}) for parameter partitionCount is invalid. Expecting 1 to ${MAX_PARTITIONS}.`);
  }
  return { strategy, partitionCount: count };
}

function toOutput(group: SimPlacementGroup) {
  const { groupId, name, strategy, partitionCount, state, tags } = group;
  return {
    GroupName: name,
    GroupId: groupId,
    GroupArn: toArn(group),
    State: state,
    Strategy: strategy,
    ...(partitionCount === undefined ? {} : { PartitionCount: partitionCount }),
    Tags: toTagList(tags),
  };
}

function toArn({ account, region, name }: SimPlacementGroup): string {
  return `arn:aws:ec2:${region}:${account}:placement-group/${name}`;
}
