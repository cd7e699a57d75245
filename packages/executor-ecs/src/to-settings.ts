import { parseDuration } from "@stackyard/core/machine";
import { DEFAULT_PLACEMENT_TIMEOUT, DEFAULT_TIMEOUT, type EcsConfig } from "./definition.ts";
import type { CheckContainers } from "./judge.ts";
import { parseOverrides, type TaskOverrides } from "./parse-overrides.ts";
import type { TaskOrder } from "./task-order.ts";

/** A task's config with its defaults, lengths in milliseconds, and the parts of an order that need no look at AWS. */
export interface EcsSettings {
  readonly timeoutMs: number;
  readonly placementTimeoutMs: number;
  readonly check: CheckContainers;
  readonly stopOnTimeout: boolean;
  readonly tailLines: number;
  readonly container: string | undefined;
  readonly environment: readonly { readonly name: string; readonly value: string }[];
  readonly overrides: TaskOverrides;
  readonly order: Pick<
    TaskOrder,
    | "cluster"
    | "taskDefinition"
    | "count"
    | "instances"
    | "launchType"
    | "capacityProviderStrategy"
    | "platformVersion"
    | "networkConfiguration"
  >;
}

/** The settings, or everything that is wrong with the config. */
export type ReadSettings =
  | { readonly kind: "settings"; readonly settings: EcsSettings }
  | { readonly kind: "problems"; readonly message: string };

const MIN_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 7 * 24 * 3_600_000;
const TAIL_LINES = 50;

/** Reads what the schema cannot check: lengths, overrides, and keys that exclude each other. */
export function toSettings(config: EcsConfig): ReadSettings {
  const timeoutMs = parseDuration(config.timeout ?? DEFAULT_TIMEOUT) ?? 0;
  const overrides = parseOverrides(config.overrides);
  const problems = [
    ...(timeoutMs < MIN_TIMEOUT_MS || timeoutMs > MAX_TIMEOUT_MS ? ["/timeout must be from 10s to 7d"] : []),
    ...("problems" in overrides ? overrides.problems.map(({ path, message }) => `/overrides${path} ${message}`) : []),
    ...listContradictions(config),
  ];
  if ("problems" in overrides || problems.length > 0) return { kind: "problems", message: `${problems.join("; ")}.` };
  const { environment = {}, logs = {}, placementTimeout = DEFAULT_PLACEMENT_TIMEOUT } = config;
  const settings: EcsSettings = {
    timeoutMs,
    placementTimeoutMs: parseDuration(placementTimeout) ?? 0,
    check: config.check ?? "essential",
    stopOnTimeout: config.stopOnTimeout ?? true,
    tailLines: logs.tail ?? TAIL_LINES,
    container: config.container,
    environment: Object.entries(environment).map(([name, value]) => ({ name, value: String(value) })),
    overrides: overrides.overrides,
    order: toOrderParts(config),
  };
  return { kind: "settings", settings };
}

/** StartTask has neither launch type nor capacity providers, and RunTask takes only one of the two. */
function listContradictions({ instances = [], launchType, capacityProviders, platformVersion }: EcsConfig): string[] {
  const onInstances = instances.length > 0;
  const isFargate = launchType === "FARGATE" || (launchType === undefined && capacityProviders !== undefined);
  return [
    ...(onInstances && launchType === "FARGATE" ? ["/instances and the launch type FARGATE exclude each other"] : []),
    ...(onInstances && capacityProviders !== undefined ? ["/instances and /capacityProviders exclude each other"] : []),
    ...(launchType !== undefined && capacityProviders !== undefined
      ? ["/launchType and /capacityProviders exclude each other"]
      : []),
    ...(platformVersion !== undefined && !isFargate ? ["/platformVersion is for Fargate only"] : []),
  ];
}

function toOrderParts(config: EcsConfig): EcsSettings["order"] {
  const { cluster, taskDefinition, count = 1, instances, launchType, capacityProviders, platformVersion } = config;
  const networkConfiguration = toNetwork(config.network);
  return {
    cluster,
    taskDefinition,
    count,
    ...(instances === undefined ? {} : { instances }),
    ...(launchType === undefined ? {} : { launchType }),
    ...(capacityProviders === undefined ? {} : { capacityProviderStrategy: capacityProviders.map(toProvider) }),
    ...(platformVersion === undefined ? {} : { platformVersion }),
    ...(networkConfiguration === undefined ? {} : { networkConfiguration }),
  };
}

/** A name alone is to be used: ECS takes a missing weight for 0, and refuses a strategy of nothing but zeros. */
function toProvider(provider: NonNullable<EcsConfig["capacityProviders"]>[number]) {
  return typeof provider === "string" ? { capacityProvider: provider, weight: 1 } : provider;
}

function toNetwork(network: EcsConfig["network"]): TaskOrder["networkConfiguration"] {
  if (network === undefined) return undefined;
  const { subnets, securityGroups, assignPublicIp } =
    "awsvpcConfiguration" in network ? network.awsvpcConfiguration : network;
  const publicIp = typeof assignPublicIp === "boolean" ? (assignPublicIp ? "ENABLED" : "DISABLED") : assignPublicIp;
  return {
    awsvpcConfiguration: {
      subnets,
      ...(securityGroups === undefined ? {} : { securityGroups }),
      ...(publicIp === undefined ? {} : { assignPublicIp: publicIp }),
    },
  };
}
