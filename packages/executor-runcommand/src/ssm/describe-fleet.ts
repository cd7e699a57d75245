import {
  DescribeInstancesCommand,
  type DescribeInstancesResult,
  type Filter,
  type Instance,
} from "@aws-sdk/client-ec2";
import { chunk } from "../chunk.ts";
import { escapeFilterValue } from "../escape-filter-value.ts";
import {
  DEFAULT_STATES,
  DEFAULT_TAG_KEY,
  DEFAULT_TAG_VALUES,
  type KnownInstance,
  type SelectOptions,
} from "../select-instances.ts";
import { AwsCallError, callAws, type FleetAws } from "./call-aws.ts";
import { listPages } from "./list-pages.ts";

/** DescribeInstances gives at most so many on a page (API reference, "MaxResults"). */
const PAGE_SIZE = 1_000;
/** At most 200 values of filters in a call (EC2 user guide, "Filtering considerations"). */
const IDS_PER_CALL = 50;

/** Instances that the selection's own filters find; what they are is checked again by `selectInstances`. */
export function loadSelected(aws: FleetAws, select: SelectOptions): Promise<readonly KnownInstance[]> {
  return loadFiltered(aws, toTagFilters(select));
}

/** The filters of a selection. EC2 reads wildcards in their values, so that these are escaped. */
export function toTagFilters({ tagKey, tagValues, states }: SelectOptions): Filter[] {
  return [
    { Name: `tag:${tagKey ?? DEFAULT_TAG_KEY}`, Values: (tagValues ?? DEFAULT_TAG_VALUES).map(escapeFilterValue) },
    { Name: "instance-state-name", Values: (states ?? DEFAULT_STATES).map(escapeFilterValue) },
  ];
}

/** Instances by their ids, in that order. EC2 knows nothing of those that are missing, and of managed nodes. */
export async function loadByIds(aws: FleetAws, ids: readonly string[]): Promise<readonly KnownInstance[]> {
  const found: KnownInstance[] = [];
  for (const part of chunk(
    ids.filter((id) => id.startsWith("i-")),
    IDS_PER_CALL,
  )) {
    found.push(...(await loadFiltered(aws, [{ Name: "instance-id", Values: part }])));
  }
  const byId = new Map(found.map((instance) => [instance.instanceId, instance]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

/** One instance; undefined where EC2 does not know it, which may be that it does not know it yet. */
export async function findInstance(aws: FleetAws, instanceId: string): Promise<KnownInstance | undefined> {
  try {
    const answer = await callAws(aws, {
      what: `The instance ${instanceId} could not be described.`,
      send: (abortSignal) => aws.ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }), { abortSignal }),
    });
    return toInstances(answer)[0];
  } catch (error) {
    if (error instanceof AwsCallError && error.awsName === "InvalidInstanceID.NotFound") return undefined;
    throw error;
  }
}

async function loadFiltered(aws: FleetAws, filters: Filter[]): Promise<readonly KnownInstance[]> {
  const found: KnownInstance[] = [];
  const pages = listPages((token) => {
    const input = { Filters: filters, MaxResults: PAGE_SIZE, ...token };
    return callAws(aws, {
      what: "The instances could not be listed.",
      send: (abortSignal) => aws.ec2.send(new DescribeInstancesCommand(input), { abortSignal }),
    });
  });
  // Only what is needed is kept: a page of EC2 is some megabytes.
  for await (const page of pages) found.push(...toInstances(page));
  return found;
}

function toInstances({ Reservations = [] }: DescribeInstancesResult): readonly KnownInstance[] {
  return Reservations.flatMap(({ Instances = [] }) => Instances.map(toKnown));
}

function toKnown({ InstanceId = "", State, Tags = [], Platform }: Instance): KnownInstance {
  return {
    instanceId: InstanceId,
    state: State?.Name ?? "",
    tags: Tags.map(({ Key = "", Value = "" }) => ({ key: Key, value: Value })),
    ...(Platform === undefined ? {} : { platform: Platform }),
  };
}
