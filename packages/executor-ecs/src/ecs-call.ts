import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { ECSClient, type TaskDefinition } from "@aws-sdk/client-ecs";
import { defined, type ExecutorContext, type Failed, failed, type Plan, type Step } from "@stackyard/core";
import { parseDuration } from "@stackyard/core/machine";
import {
  DEFAULT_PLACEMENT_TIMEOUT,
  DEFAULT_TIMEOUT,
  type EcsConfig,
  type EcsOutputs,
  type EcsProgress,
} from "./definition.ts";
import { type CheckContainers, checkDefinition, toLastPart } from "./judge.ts";
import { parseOverrides, type TaskOverrides, withEnvironment } from "./parse-overrides.ts";
import type { LogDeps } from "./tail-logs.ts";
import { type DefinitionCache, type EcsDeps, expectedCountOf, loadDefinition, type TaskOrder } from "./task-order.ts";

/** The result of the executor. */
export type EcsStep = Step<EcsProgress, EcsOutputs>;

/** One call of the executor. */
export interface EcsCall {
  readonly ctx: ExecutorContext;
  readonly settings: EcsSettings;
  readonly deps: EcsDeps;
  readonly logs: LogDeps;
  readonly definitions: DefinitionCache;
}

/** Returns the call with its clients for the task's target, or why the config is invalid. */
export function toCall(ctx: ExecutorContext, config: EcsConfig, definitions: DefinitionCache): EcsCall | Failed {
  const read = toSettings(config);
  if (read.kind === "problems") {
    return failed({ code: "ECS_PROPERTIES_INVALID", message: read.message, retryable: false });
  }
  const { clock, signal } = ctx;
  return {
    ctx,
    settings: read.settings,
    deps: { ecs: ctx.aws(ECSClient), clock, signal },
    // Created when the first log is read: a run without logs needs no such client.
    logs: {
      get logs() {
        return ctx.aws(CloudWatchLogsClient);
      },
      signal,
    },
    definitions,
  };
}

/** Returns `startedBy`. ECS allows 36 characters in StartTask; an attempt's key has 32. */
export function toStartedBy({ idempotencyKey }: Pick<ExecutorContext, "idempotencyKey">): string {
  return idempotencyKey.slice(0, 36);
}

/** Returns everything that the config adds to containers' environments, for the mask of their logs. */
export function toMaskedOverrides({ overrides, environment }: EcsSettings): TaskOverrides {
  return { containerOverrides: [...(overrides.containerOverrides ?? []), { name: "", environment }] };
}

/** A task's config with its defaults, lengths in milliseconds, and the parts of an order that need no look at AWS. */
interface EcsSettings {
  readonly timeoutMs: number;
  readonly placementTimeoutMs: number;
  readonly check: CheckContainers;
  readonly stopOnTimeout: boolean;
  readonly stopOnError: boolean;
  readonly tailLines: number;
  /** Proves the success of a task that ECS has forgotten. */
  readonly success: string | undefined;
  readonly container: string | undefined;
  readonly environment: readonly { readonly name: string; readonly value: string }[];
  readonly overrides: TaskOverrides;
  readonly order: Omit<TaskOrder, "overrides" | "startedBy" | "clientToken">;
}

/** The settings, or all faults of the config. */
type ReadSettings =
  | { readonly kind: "settings"; readonly settings: EcsSettings }
  | { readonly kind: "problems"; readonly message: string };

const MIN_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 7 * 24 * 3_600_000;
const TAIL_LINES = 50;

/** Checks what the schema cannot: lengths, overrides, and keys that exclude each other. */
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
    stopOnError: config.stopOnError ?? false,
    tailLines: logs.tail ?? TAIL_LINES,
    success: logs.success,
    container: config.container,
    environment: Object.entries(environment).map(([name, value]) => ({ name, value: String(value) })),
    overrides: overrides.overrides,
    order: toOrderParts(config),
  };
  return { kind: "settings", settings };
}

/**
 * Lists contradictions: StartTask has neither launch type nor capacity providers, and RunTask accepts only one of the
 * two.
 */
function listContradictions({ instances = [], launchType, capacityProviders, platformVersion }: EcsConfig): string[] {
  const onInstances = instances.length > 0;
  const isFargate = launchType === "FARGATE" || (launchType === undefined && capacityProviders !== undefined);
  return [
    ...(onInstances && (launchType === "FARGATE" || launchType === "MANAGED_INSTANCES")
      ? [`/instances and the launch type ${launchType} exclude each other`]
      : []),
    ...(onInstances && capacityProviders !== undefined ? ["/instances and /capacityProviders exclude each other"] : []),
    ...(launchType !== undefined && launchType !== "MANAGED_INSTANCES" && capacityProviders !== undefined
      ? ["/launchType and /capacityProviders exclude each other"]
      : []),
    ...(platformVersion !== undefined && !isFargate ? ["/platformVersion is for Fargate only"] : []),
  ];
}

function toOrderParts(config: EcsConfig): EcsSettings["order"] {
  const { cluster, taskDefinition, count = 1, instances, launchType, capacityProviders, platformVersion } = config;
  const networkConfiguration = toNetwork(config.network);
  return defined({
    cluster,
    taskDefinition,
    count,
    instances,
    launchType,
    capacityProviderStrategy: capacityProviders?.map(toProvider),
    platformVersion,
    networkConfiguration,
  });
}

/** Adds a weight to a name: ECS treats a missing weight as 0, and rejects a strategy of only zeros. */
function toProvider(provider: NonNullable<EcsConfig["capacityProviders"]>[number]) {
  return typeof provider === "string" ? { capacityProvider: provider, weight: 1 } : provider;
}

function toNetwork(network: EcsConfig["network"]): TaskOrder["networkConfiguration"] {
  if (network === undefined) return undefined;
  const { subnets, securityGroups, assignPublicIp } =
    "awsvpcConfiguration" in network ? network.awsvpcConfiguration : network;
  const publicIp = typeof assignPublicIp === "boolean" ? (assignPublicIp ? "ENABLED" : "DISABLED") : assignPublicIp;
  return { awsvpcConfiguration: { subnets, ...defined({ securityGroups, assignPublicIp: publicIp }) } };
}

/** An order that names a revision by its ARN, and that revision. */
export interface PreparedOrder {
  readonly kind: "prepared";
  readonly order: TaskOrder;
  readonly definition: TaskDefinition;
}

/**
 * Looks at everything that would make the run fail before anything is started. Fails with ECS_TASK_DEFINITION, ECS_NETWORK,
 * ECS_PROPERTIES_INVALID, ECS_AWS_ERROR.
 */
export async function prepareOrder(
  { ctx, settings, deps, definitions }: EcsCall,
  taskDefinition: string = settings.order.taskDefinition,
): Promise<PreparedOrder | Failed> {
  const loaded = await loadDefinition(deps, taskDefinition);
  if (loaded.kind === "failed") return failed(withoutKind(loaded));
  const { definition, taskDefinitionArn } = loaded;
  const names = (definition.containerDefinitions ?? []).flatMap(({ name }) => name ?? []);
  const merged = withEnvironment(settings.overrides, settings, names);
  if ("problems" in merged) {
    const message = `${merged.problems.map((problem) => `${problem.path} ${problem.message}`).join("; ")}.`;
    return failed({ code: "ECS_PROPERTIES_INVALID", message, retryable: false });
  }
  const run = { ...settings.order, overrides: toChecked(merged.overrides, settings.container), check: settings.check };
  const fault = checkDefinition(definition, run);
  if (fault !== undefined) return failed({ ...fault, retryable: false });
  definitions.remember(taskDefinitionArn, definition);
  const order: TaskOrder = {
    ...settings.order,
    taskDefinition: taskDefinitionArn,
    overrides: merged.overrides,
    startedBy: toStartedBy(ctx),
    clientToken: ctx.idempotencyKey,
  };
  return { kind: "prepared", order, definition };
}

/** Adds the container of the exit code to the checked ones: it must exist as well. */
function toChecked(overrides: TaskOverrides, container: string | undefined): TaskOverrides {
  if (container === undefined) return overrides;
  return { ...overrides, containerOverrides: [...(overrides.containerOverrides ?? []), { name: container }] };
}

function withoutKind({ code, message, retryable }: Omit<Failed, "kind">): Omit<Failed, "kind"> {
  return { code, message, retryable };
}

/** Returns a plan: the resolved revision, its images, the network, and the overrides without their values. */
export async function planTasks(call: EcsCall | Failed): Promise<Plan> {
  if ("kind" in call) return toFaultPlan(call);
  const prepared = await prepareOrder(call);
  if (prepared.kind === "failed") return toFaultPlan(prepared);
  const { order, definition } = prepared;
  const count = expectedCountOf(order);
  const name = toLastPart(order.taskDefinition);
  const where = `in "${order.cluster}"${toWhere(order)}`;
  return {
    summary: `Would run ${count === 1 ? "one task" : `${count} tasks`} of ${name} ${where}.`,
    details: {
      taskDefinition: order.taskDefinition,
      containers: (definition.containerDefinitions ?? []).map(toContainer),
      network: order.networkConfiguration?.awsvpcConfiguration ?? definition.networkMode ?? "bridge",
      overrides: toOverridden(order.overrides ?? {}),
    },
  };
}

function toFaultPlan({ code, message }: Failed): Plan {
  return { summary: `The task would fail with ${code}. ${message}` };
}

function toWhere({ instances = [], launchType, capacityProviderStrategy = [] }: TaskOrder): string {
  const providers = capacityProviderStrategy.map(({ capacityProvider }) => capacityProvider).join(", ");
  if (instances.length > 0) return ` on ${instances.length === 1 ? "one instance" : `${instances.length} instances`}`;
  if (providers !== "") return ` by ${providers}`;
  return launchType === undefined ? "" : ` on ${launchType}`;
}

/** Describes a container. A digest always identifies the same image; a tag may be moved. */
function toContainer({ name, image = "", essential }: NonNullable<TaskDefinition["containerDefinitions"]>[number]) {
  const digest = image.includes("@") ? image.slice(image.indexOf("@") + 1) : null;
  return { name, image, digest, essential: essential !== false };
}

function toOverridden({ containerOverrides = [], ...task }: TaskOverrides): Readonly<Record<string, unknown>> {
  const containers = containerOverrides.map(({ name, environment = [], ...rest }) => [
    name,
    { keys: Object.keys(rest), environment: environment.map((entry) => entry.name) },
  ]);
  return { task: Object.keys(task), containers: Object.fromEntries(containers) };
}
