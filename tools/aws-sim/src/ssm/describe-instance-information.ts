import type { SimCall } from "../sim-call.ts";
import { pingOf, type SimAgent } from "./sim-agent.ts";
import { constraint, ssmFaults as faults } from "./ssm-faults.ts";
import type { SsmState } from "./ssm-state.ts";
import { toPage } from "./to-page.ts";

interface Filter {
  readonly key: string;
  readonly values: readonly string[];
}

type Reader = (agent: SimAgent, state: SsmState, now: number) => readonly string[];

/** API reference, "DescribeInstanceInformation": MaxResults from 5 to 50, default 10. */
const LIMITS = { min: 5, max: 50, usual: 10 };
/** "InstanceInformationStringFilter", Values: from 1 to 100. */
const MAX_VALUES = 100;

const READERS: Readonly<Record<string, Reader>> = {
  AgentVersion: ({ agentVersion }) => [agentVersion],
  InstanceIds: ({ instanceId }) => [instanceId],
  PingStatus: (agent, _state, now) => [pingOf(agent, now)],
  PlatformTypes: ({ platformType }) => [platformType],
  ResourceType: ({ instanceId }) => [resourceTypeOf(instanceId)],
};

/** Values that a filter takes; others are refused. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  PingStatus: ["Online", "ConnectionLost", "Inactive"],
  PlatformTypes: ["Windows", "Linux", "MacOS"],
  ResourceType: ["EC2Instance", "ManagedInstance"],
};

/** DescribeInstanceInformation: the nodes that have registered, by filters, in pages. Who is not registered is left out. */
export function describeInstanceInformation(state: SsmState, call: SimCall): unknown {
  const filters = filtersOf(call.input);
  // A large fleet is asked for by ids, fifty at a time.
  const ids = filters.find(({ key }) => key === "InstanceIds")?.values;
  const found = state
    .agentsOf(call, ids && [...new Set(ids)])
    .filter((agent) => filters.every((filter) => matches(agent, filter, { state, now: call.now })));
  const { rows, next } = toPage(found, call, LIMITS);
  return { InstanceInformationList: rows.map((agent) => toInformation(agent, call.now)), ...next };
}

function filtersOf(input: SimCall["input"]): readonly Filter[] {
  const filters = listOf(input["Filters"]).map((each) => toFilter(each, "Key", "Values"));
  const legacy = listOf(input["InstanceInformationFilterList"]).map((each) => toFilter(each, "key", "valueSet"));
  if (filters.length > 0 && legacy.length > 0) {
    throw faults.validation("Filters and InstanceInformationFilterList cannot be used together.");
  }
  const all = [...filters, ...legacy];
  // "Tag filters can't be combined with other filter types."
  const tags = all.filter(({ key }) => key.startsWith("tag"));
  if (tags.length > 0 && tags.length < all.length) {
    throw faults.filterKey("Tag filters cannot be combined with other filters.");
  }
  return all;
}

function toFilter(value: object, keyName: string, valuesName: string): Filter {
  const entries = new Map<string, unknown>(Object.entries(value));
  const key = String(entries.get(keyName));
  const values = listOf(entries.get(valuesName)).map(String);
  if (!key.startsWith("tag:") && key !== "tag-key" && READERS[key] === undefined) throw faults.filterKey(key);
  if (values.length === 0 || values.length > MAX_VALUES) {
    throw constraint("filters.1.member.values", values.length, `Member must have length between 1 and ${MAX_VALUES}`);
  }
  const known = VALUES[key];
  const wrong = known && values.find((each) => !known.includes(each));
  if (wrong !== undefined) throw faults.filterValue(wrong);
  return { key, values };
}

function matches(
  agent: SimAgent,
  { key, values }: Filter,
  { state, now }: { readonly state: SsmState; readonly now: number },
): boolean {
  if (key === "tag-key") return values.some((each) => each in state.tagsOf(agent));
  if (key.startsWith("tag:")) {
    const value = state.tagsOf(agent)[key.slice("tag:".length)];
    return value !== undefined && values.includes(value);
  }
  return READERS[key]?.(agent, state, now).some((each) => values.includes(each)) ?? false;
}

function toInformation(agent: SimAgent, now: number): unknown {
  const { instanceId, agentVersion, platformType, registersAt } = agent;
  return {
    InstanceId: instanceId,
    PingStatus: pingOf(agent, now),
    LastPingDateTime: new Date(now),
    AgentVersion: agentVersion,
    IsLatestVersion: true,
    PlatformType: platformType,
    ResourceType: resourceTypeOf(instanceId),
    RegistrationDate: new Date(registersAt),
  };
}

function resourceTypeOf(instanceId: string): string {
  return instanceId.startsWith("mi-") ? "ManagedInstance" : "EC2Instance";
}

function listOf(value: unknown): readonly object[] {
  return Array.isArray(value) ? value : [];
}
