import { jsonFaults } from "../service-faults.ts";
import {
  findText,
  isOwn,
  type NamedResource,
  type Place,
  type ServiceFaults,
  type SimCall,
  textOf,
  toKey,
} from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";
import type { StopOrder, TaskScript } from "./task-course.ts";

/** What all operations share. */
export interface EcsState {
  /** By account, region and name. */
  readonly clusters: Map<string, Cluster>;
  readonly definitions: Definition[];
  readonly tasks: SimTask[];
  readonly tokens: Map<string, UsedToken>;
  readonly scripts: ScriptEntry[];
  readonly refusals: Refusal[];
  /** Called for each task that begins. */
  readonly onStart: (task: SimTask) => void;
}

/** Where tasks run. */
export interface ClusterInput extends NamedResource {
  /** Default: one with room for many tasks. */
  readonly instances?: readonly InstanceInput[];
  /** Besides FARGATE and FARGATE_SPOT: Auto Scaling groups with managed scaling, and how long a new instance takes. */
  readonly capacityProviders?: Readonly<Record<string, { readonly scaleOutMs: number }>>;
  /** Used when a request names neither launch type nor strategy. */
  readonly defaultStrategy?: readonly StrategyItem[];
  /** "Amazon ECS service quotas": tasks in the PROVISIONING state per cluster. Default: 500. */
  readonly provisioningQuota?: number;
}

/** An instance with an agent. */
interface InstanceInput {
  readonly id?: string;
  /** CPU units. Default: 65,536. */
  readonly cpu?: number;
  /** MiB. Default: 262,144. */
  readonly memory?: number;
  /** Default: true. */
  readonly isAgentConnected?: boolean;
  /** Default: ACTIVE. */
  readonly status?: "ACTIVE" | "DRAINING";
}

/** A cluster that stands, or stood. */
export interface Cluster extends Omit<Required<ClusterInput>, "instances" | "defaultStrategy"> {
  readonly arn: string;
  readonly instances: Instance[];
  readonly defaultStrategy: readonly StrategyItem[] | undefined;
}

/** An instance of a cluster. */
export type Instance = Required<InstanceInput> & { readonly arn: string };

/** One item of a capacity provider strategy. */
export interface StrategyItem {
  readonly capacityProvider: string;
  readonly weight?: number;
  readonly base?: number;
}

/** What RegisterTaskDefinition is given, in the words of the API. */
export interface DefinitionInput extends Place {
  readonly family: string;
  readonly containerDefinitions: readonly ContainerDefinition[];
  readonly networkMode?: "bridge" | "host" | "awsvpc" | "none";
  readonly requiresCompatibilities?: readonly ("EC2" | "FARGATE" | "EXTERNAL")[];
  readonly cpu?: string;
  readonly memory?: string;
  readonly taskRoleArn?: string;
  readonly executionRoleArn?: string;
  readonly tags?: readonly Tag[];
}

/** One container of it. */
export interface ContainerDefinition {
  readonly name: string;
  readonly image?: string;
  readonly essential?: boolean;
  readonly cpu?: number;
  readonly memory?: number;
  readonly memoryReservation?: number;
  readonly environment?: readonly { readonly name: string; readonly value: string }[];
  readonly secrets?: readonly { readonly name: string; readonly valueFrom: string }[];
  readonly logConfiguration?: { readonly logDriver: string; readonly options?: Readonly<Record<string, string>> };
  /** Seconds. */
  readonly stopTimeout?: number;
}

/** A revision. */
export interface Definition extends DefinitionInput {
  readonly arn: string;
  readonly revision: number;
  isActive: boolean;
}

/** A tag as ECS spells it. */
export interface Tag {
  readonly key?: string;
  readonly value?: string;
}

/** A task with its script. Its state is computed on each read. */
export interface SimTask {
  readonly id: string;
  readonly arn: string;
  readonly cluster: Cluster;
  readonly definition: Definition;
  readonly createdAt: number;
  readonly launchType: string | undefined;
  readonly capacityProvider: string | undefined;
  readonly instance: Instance | undefined;
  readonly input: Readonly<Record<string, unknown>>;
  readonly script: TaskScript;
  readonly firstTags: readonly Tag[];
  tags: readonly Tag[];
  stop: StopOrder | undefined;
}

/** A client token and what it has started. */
export interface UsedToken {
  readonly fingerprint: string;
  readonly tasks: readonly SimTask[];
}

/** Scripts that wait for tasks of a family. */
interface ScriptEntry {
  /** A family, or `family:revision`. */
  readonly of: string;
  readonly script: TaskScript;
  /** Served to so many tasks. */
  uses: number;
}

/** Tasks that are not placed. */
export interface Refusal {
  /** As in the answer's `failures`: `RESOURCE:MEMORY`, `AGENT`, `Capacity is unavailable at this time. …`. */
  readonly reason: string;
  readonly detail?: string;
  readonly arn?: string;
  /** Of each call. Default: all. */
  readonly tasks?: number;
  /** Default: 1. */
  readonly calls?: number;
  /** Answers with neither tasks nor failures, as has been seen. */
  readonly isSilent?: boolean;
}

/**
 * Errors with their texts. Sources: ECS API reference, errors of "RunTask", "StartTask", "StopTask", "DescribeTasks",
 * "ListTasks", "DescribeTaskDefinition"; the texts are those that users report.
 */
export const ecsFaults = {
  ...jsonFaults,
  parameter: (message: string) => new SimFault("InvalidParameterException", 400, message),
  client: (message: string) => new SimFault("ClientException", 400, message),
  clusterMissing: () => new SimFault("ClusterNotFoundException", 400, "Cluster not found."),
  taskMissing: () => new SimFault("InvalidParameterException", 400, "The referenced task was not found."),
  /**
   * Follows "RunTask": the token is in use with a different request; `resourceIds` are the tasks that it has started.
   */
  conflict: (resourceIds: readonly string[]) =>
    new SimFault("ConflictException", 400, "The client token is already in use with a different request.", {
      resourceIds,
    }),
} satisfies ServiceFaults & Record<string, (...facts: never[]) => SimFault>;

/**
 * Finds the script of the next task of a definition. What is for its revision comes before what is for its family; what
 * is for some tasks, in order, before what is for all, where the last word counts.
 */
export function findScript({ scripts }: EcsState, { family, revision }: Definition): TaskScript {
  for (const name of [`${family}:${revision}`, family]) {
    const entries = scripts.filter(({ of, uses }) => of === name && uses > 0);
    const counted = entries.find(({ uses }) => Number.isFinite(uses));
    if (counted !== undefined) counted.uses -= 1;
    const entry = counted ?? entries.at(-1);
    if (entry !== undefined) return entry.script;
  }
  return {};
}

/** "Amazon ECS service quotas". */
const PROVISIONING_QUOTA = 500;

/** Returns a cluster with its instances. */
export function createCluster({ clusters }: EcsState, input: ClusterInput): Cluster {
  const { account, region, name, instances = [{}] } = input;
  const cluster: Cluster = {
    account,
    region,
    name,
    defaultStrategy: input.defaultStrategy,
    arn: `arn:aws:ecs:${region}:${account}:cluster/${name}`,
    capacityProviders: input.capacityProviders ?? {},
    provisioningQuota: input.provisioningQuota ?? PROVISIONING_QUOTA,
    instances: instances.map((each, index) => toInstance(input, each, index)),
  };
  clusters.set(toKey(cluster), cluster);
  return cluster;
}

function toInstance({ account, region, name }: ClusterInput, input: InstanceInput, index: number): Instance {
  const { id = String(index + 1).padStart(32, "0"), cpu = 65_536, memory = 262_144 } = input;
  const arn = `arn:aws:ecs:${region}:${account}:container-instance/${name}/${id}`;
  return { arn, id, cpu, memory, isAgentConnected: input.isAgentConnected ?? true, status: input.status ?? "ACTIVE" };
}

/**
 * Returns the cluster that a request names, by name or ARN; without one, `default` (API reference, "RunTask",
 * `cluster`). Throws if it does not exist.
 */
export function openCluster({ clusters }: EcsState, { input, identity, region }: SimCall): Cluster {
  const given = findText(input, "cluster") ?? "default";
  const arn = /^arn:[^:]+:ecs:([^:]*):(\d*):cluster\/(.+)$/.exec(given);
  const [, at = region, owner = identity.account, name = given] = arn ?? [];
  const cluster = clusters.get(toKey({ account: owner, region: at, name }));
  if (cluster === undefined || at !== region || owner !== identity.account) throw ecsFaults.clusterMissing();
  return cluster;
}

/** Returns a new revision of a family; numbers are never used again ("TaskDefinition", `revision`). */
export function registerDefinition({ definitions }: EcsState, input: DefinitionInput): Definition {
  const { account, region, family } = input;
  const others = definitions.filter((each) => each.account === account && each.region === region);
  const revision = 1 + others.filter((each) => each.family === family).length;
  const arn = `arn:aws:ecs:${region}:${account}:task-definition/${family}:${revision}`;
  const definition = { ...input, arn, revision, isActive: true };
  definitions.push(definition);
  return definition;
}

/**
 * Finds a revision by family (its latest active revision), by `family:revision`, or by ARN ("RunTask",
 * `taskDefinition`).
 */
export function findDefinition({ definitions }: EcsState, name: string, call: SimCall): Definition | undefined {
  const own = definitions.filter((each) => isOwn(each, call));
  const short = name.replace(/^arn:[^:]+:ecs:[^:]*:\d*:task-definition\//, "");
  const exact = own.find((each) => each.arn === name || `${each.family}:${each.revision}` === short);
  return exact ?? own.findLast(({ family, isActive }) => family === short && isActive);
}

/** Implements DeregisterTaskDefinition: the revision is inactive, and its tasks continue. */
export function deregisterDefinition(state: EcsState, call: SimCall): unknown {
  const definition = findDefinition(state, textOf(call.input, "taskDefinition"), call);
  if (definition === undefined) throw ecsFaults.client("The specified task definition does not exist.");
  definition.isActive = false;
  return {};
}

/** Implements DescribeTaskDefinition: inactive revisions are still described. */
export function describeDefinition(state: EcsState, call: SimCall): unknown {
  const definition = findDefinition(state, textOf(call.input, "taskDefinition"), call);
  if (definition === undefined) throw ecsFaults.client("Unable to describe task definition.");
  const { arn, revision, isActive, account: _account, region: _region, tags = [], ...content } = definition;
  const include: unknown = call.input["include"];
  const taskDefinition = {
    ...content,
    taskDefinitionArn: arn,
    revision,
    status: isActive ? "ACTIVE" : "INACTIVE",
    containerDefinitions: content.containerDefinitions.map((each) => ({
      cpu: 0,
      environment: [],
      essential: true,
      image: `${each.name}:latest`,
      ...each,
    })),
  };
  return { taskDefinition, ...(Array.isArray(include) && include.includes("TAGS") ? { tags } : {}) };
}
