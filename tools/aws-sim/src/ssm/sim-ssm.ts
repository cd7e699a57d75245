import type { Clock } from "@stackyard/core";
import type { SimEc2 } from "../ec2/sim-ec2.ts";
import type { SimS3 } from "../s3/sim-s3.ts";
import type { Place, SimCall, SimService } from "../sim-call.ts";
import { createDocument } from "./documents.ts";
import { getCommandInvocation, listCommandInvocations, listCommands } from "./read-commands.ts";
import { cancelCommand, sendCommand } from "./send-command.ts";
import { createScripts, type Script, type SimCommand } from "./sim-command.ts";
import {
  constraint,
  createSsmState,
  ssmFaults as faults,
  type PingStatus,
  type PlatformType,
  pingOf,
  type SimAgent,
  type SsmLimits,
  type SsmState,
  ssmFaults,
  toPage,
} from "./ssm-state.ts";

/** Nodes with agents, documents, and commands whose lives are played by the clock. */
export interface SimSsm {
  readonly service: SimService;
  /** Adds an agent that registers, now or later. Instances without one cannot receive commands. */
  addAgent(input: AgentInput): void;
  /** Makes its agent lost, or available, from now on or from a future instant. */
  changePing(instanceId: string, ping: PingStatus, at?: number): void;
  /**
   * Sets the scripts of commands on an instance: one for each command in order, the last for all others; `*`: on all
   * others.
   */
  script(instanceId: string, ...scripts: readonly Script[]): void;
  /** Sets SSM's delays, and an account's limit of pending commands. */
  set(limits: Partial<SsmLimits>): void;
  /** Returns all commands that were sent, in order, up to the time of the last read. */
  listCommands(): readonly SimCommand[];
}

/** An agent of an instance. */
export interface AgentInput extends Place {
  readonly instanceId: string;
  /** Default: it has registered. */
  readonly registersAt?: number;
  /** Default: Linux. */
  readonly platformType?: PlatformType;
  /** Of a node outside of EC2. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Default: Online. */
  readonly ping?: PingStatus;
}

/** What surrounds it. */
interface SsmDeps {
  readonly clock: Clock;
  readonly ec2: SimEc2;
  readonly s3: SimS3;
}

/** Systems Manager without nodes. Source: API reference of version 2014-11-06. */
export function createSsm({ clock, ec2, s3 }: SsmDeps): SimSsm {
  const state = createSsmState({ ec2, s3, scripts: createScripts() });
  return {
    service: { operations: toOperations(state), toAction: (operation) => `ssm:${operation}`, faults: ssmFaults },
    addAgent(input) {
      const { registersAt = 0, platformType = "Linux", tags = {}, ping = "Online" } = input;
      const agent = { ...input, registersAt, platformType, tags, connections: [{ at: 0, ping }] };
      state.agents.set(input.instanceId, agent);
    },
    changePing(instanceId, ping, at = clock.now()) {
      const agent = state.agents.get(instanceId);
      if (agent === undefined) throw new Error(`The simulation has no agent on ${instanceId}.`);
      state.agents.set(instanceId, withPing(agent, ping, at));
    },
    script: state.scripts.set,
    set: (limits) => void Object.assign(state.limits, limits),
    listCommands: () => [...state.commands.values()],
  };
}

function toOperations(state: SsmState): SimService["operations"] {
  const bind = (serve: (state: SsmState, call: SimCall) => unknown) => (call: SimCall) => serve(state, call);
  return {
    CancelCommand: bind(cancelCommand),
    CreateDocument: bind(createDocument),
    DescribeInstanceInformation: bind(describeInstanceInformation),
    GetCommandInvocation: bind(getCommandInvocation),
    ListCommandInvocations: bind(listCommandInvocations),
    ListCommands: bind(listCommands),
    SendCommand: bind(sendCommand),
  };
}

function withPing(agent: SimAgent, ping: PingStatus, at: number): SimAgent {
  const connections = [...agent.connections, { at, ping }].toSorted((left, right) => left.at - right.at);
  return { ...agent, connections };
}

interface Filter {
  readonly key: string;
  readonly values: readonly string[];
}

type Reader = (agent: SimAgent, state: SsmState, now: number) => readonly string[];

/** API reference, "DescribeInstanceInformation": MaxResults from 5 to 50, default 10. */
const LIMITS = { min: 5, max: 50, usual: 10 };
/** "InstanceInformationStringFilter", Values: from 1 to 100. */
const MAX_VALUES = 100;
const AGENT_VERSION = "3.3.3050.0";

const READERS: Readonly<Record<string, Reader>> = {
  AgentVersion: () => [AGENT_VERSION],
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

/**
 * Implements DescribeInstanceInformation: the nodes that have registered, by filters, in pages. Who is not registered
 * is left out.
 */
function describeInstanceInformation(state: SsmState, call: SimCall): unknown {
  const filters = filtersOf(call.input);
  // A large fleet is queried by ids, fifty at a time.
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
  const { instanceId, platformType, registersAt } = agent;
  return {
    InstanceId: instanceId,
    PingStatus: pingOf(agent, now),
    LastPingDateTime: new Date(now),
    AgentVersion: AGENT_VERSION,
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
