import {
  type CapacityProviderStrategyItem,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  type ECSClient,
  type LaunchType,
  ListTasksCommand,
  type ListTasksCommandInput,
  type NetworkConfiguration,
  type PlacementConstraint,
  type PlacementStrategy,
  type PropagateTags,
  type RunTaskCommandInput,
  type StartTaskCommandInput,
  StopTaskCommand,
  type Tag,
  type Task,
  type TaskDefinition,
} from "@aws-sdk/client-ecs";
import { findAwsFault, redactText, toAnswer } from "@stackyard/aws";
import { type Clock, chunk, cutText, defined, listPages, RecentMap, toStrictText } from "@stackyard/core";
import { toLastPart } from "./judge.ts";
import type { TaskOverrides } from "./parse-overrides.ts";

/** The dependencies of ECS calls. */
export interface EcsDeps {
  readonly ecs: ECSClient;
  readonly clock: Clock;
  /** Ends reads and waits; a call that starts or stops a task is completed, so that its result is known. */
  readonly signal: AbortSignal;
}

/** Tasks to start: `count` of them wherever there is capacity, or one on each of `instances`. */
export interface TaskOrder {
  readonly cluster: string;
  readonly taskDefinition: string;
  readonly count: number;
  /** Container instances, ids or ARNs. If set, StartTask is used and `count` is ignored. */
  readonly instances?: readonly string[];
  readonly launchType?: LaunchType;
  readonly capacityProviderStrategy?: readonly CapacityProviderStrategyItem[];
  readonly platformVersion?: string;
  readonly networkConfiguration?: NetworkConfiguration;
  readonly overrides?: TaskOverrides;
  readonly group?: string;
  readonly enableExecuteCommand?: boolean;
  readonly propagateTags?: PropagateTags;
  readonly tags?: readonly Tag[];
  readonly placementConstraints?: readonly PlacementConstraint[];
  readonly placementStrategy?: readonly PlacementStrategy[];
  /** At most 36 characters with `instances`, else 128. */
  readonly startedBy: string;
  /** At most 64 characters. Unique for each try; a try that is repeated after a crash has the same one. */
  readonly clientToken: string;
  /**
   * Epoch milliseconds of an earlier, maybe interrupted call of this try. StartTask has no client token, so the tasks
   * of that call are looked up first, by `startedBy` and `tags`.
   */
  readonly intendedAt?: number;
  /**
   * An earlier try was answered with failures. ECS may have started tasks nevertheless, so they are looked up first, by
   * `startedBy` and `tags`.
   */
  readonly isRefused?: boolean;
}

/** Returns the number of tasks of an order. */
export function expectedCountOf({ instances = [], count }: Pick<TaskOrder, "instances" | "count">): number {
  return instances.length > 0 ? instances.length : count;
}

/** Returns the input of RunTask for `count` tasks. */
export function toRunTaskInput(order: TaskOrder, count: number): RunTaskCommandInput {
  const { capacityProviderStrategy, launchType, platformVersion, placementConstraints, placementStrategy } = order;
  return {
    ...toCommonInput(order),
    count,
    clientToken: order.clientToken,
    ...defined({
      // "omit the launchType parameter" (RunTask API, `launchType`): the strategy, or that of the cluster, decides.
      launchType: launchType === "MANAGED_INSTANCES" ? undefined : launchType,
      capacityProviderStrategy: capacityProviderStrategy && [...capacityProviderStrategy],
      platformVersion,
      placementConstraints: placementConstraints && [...placementConstraints],
      placementStrategy: placementStrategy && [...placementStrategy],
    }),
  };
}

/** Returns the input of StartTask on these container instances. */
export function toStartTaskInput(order: TaskOrder, instances: readonly string[]): StartTaskCommandInput {
  return { ...toCommonInput(order), containerInstances: [...instances] };
}

function toCommonInput(order: TaskOrder) {
  const { networkConfiguration, overrides, group, enableExecuteCommand, propagateTags, tags = [] } = order;
  return {
    cluster: order.cluster,
    taskDefinition: order.taskDefinition,
    startedBy: order.startedBy,
    ...defined({ networkConfiguration }),
    ...(overrides === undefined || Object.keys(overrides).length === 0 ? {} : { overrides: toSdkOverrides(overrides) }),
    ...defined({ group, enableExecuteCommand, propagateTags }),
    ...(tags.length === 0 ? {} : { tags: [...tags] }),
  };
}

/**
 * Casts overrides: the SDK's lists are writable, and its kinds of resources are unions of literals that ECS itself
 * checks.
 */
function toSdkOverrides(overrides: TaskOverrides): NonNullable<RunTaskCommandInput["overrides"]> {
  return overrides as NonNullable<RunTaskCommandInput["overrides"]>;
}

/** A task definition's revision, or why it cannot be loaded. */
export type LoadedDefinition =
  | { readonly kind: "found"; readonly definition: TaskDefinition; readonly taskDefinitionArn: string }
  | ({
      readonly kind: "failed";
      /** The error of AWS, unless the definition does not exist. */
      readonly cause?: unknown;
    } & AwsFailure);

/**
 * Resolves a family, `family:revision` or ARN; a family means its latest active revision. Fails with ECS_TASK_DEFINITION, and
 * throws when it is interrupted only.
 */
export async function loadDefinition(
  { ecs, signal }: Pick<EcsDeps, "ecs" | "signal">,
  taskDefinition: string,
): Promise<LoadedDefinition> {
  try {
    const answer = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition }), { abortSignal: signal });
    const { taskDefinition: definition } = answer;
    const taskDefinitionArn = definition?.taskDefinitionArn;
    if (definition !== undefined && taskDefinitionArn !== undefined) {
      return { kind: "found", definition, taskDefinitionArn };
    }
    return toNotFound(taskDefinition, "ECS named no revision.");
  } catch (error) {
    if (signal.aborted) throw error;
    if (isRefusal(error)) return toNotFound(taskDefinition, `${error.name}: ${error.message}`);
    return { kind: "failed", cause: error, ...toAwsFailure(error, `DescribeTaskDefinition of "${taskDefinition}"`) };
  }
}

/**
 * Returns true for an unknown definition: a ClientException, "Unable to describe task definition."
 * (DescribeTaskDefinition API).
 */
function isRefusal(error: unknown): error is Error {
  return error instanceof Error && ["ClientException", "InvalidParameterException"].includes(error.name);
}

function toNotFound(name: string, why: string): LoadedDefinition {
  const message = `The task definition "${name}" does not exist. ${why} Check its name, revision, region and account.`;
  return { kind: "failed", code: "ECS_TASK_DEFINITION", message, retryable: false };
}

/** Task definitions by the ARN of their revision, which never changes. */
export interface DefinitionCache {
  /** Returns undefined if it cannot be loaded. Throws the error of AWS if a retry may help. */
  find(deps: Pick<EcsDeps, "ecs" | "signal">, taskDefinitionArn: string): Promise<TaskDefinition | undefined>;
  remember(taskDefinitionArn: string, definition: TaskDefinition): void;
}

const MAX_DEFINITIONS = 100;

/** Creates a cache for one process, so that a poll does not load the same revision again. */
export function createDefinitionCache(): DefinitionCache {
  const known = new RecentMap<string, TaskDefinition>(MAX_DEFINITIONS);
  return {
    remember: (taskDefinitionArn, definition) => void known.set(taskDefinitionArn, definition),
    async find(deps, taskDefinitionArn) {
      const found = known.get(taskDefinitionArn);
      if (found !== undefined) return found;
      const loaded = await loadDefinition(deps, taskDefinitionArn);
      if (loaded.kind === "failed" && loaded.retryable) throw loaded.cause;
      if (loaded.kind === "failed") return undefined;
      known.set(taskDefinitionArn, loaded.definition);
      return loaded.definition;
    },
  };
}

/** Tasks of one cluster. */
interface TasksInput {
  readonly cluster: string;
  readonly taskArns: readonly string[];
}

/** Tasks in the order of the request, and the ARNs that ECS does not list (any more, or yet). */
export interface DescribedTasks {
  readonly tasks: readonly Task[];
  readonly missing: readonly string[];
}

/** DescribeTasks API, `tasks`: "up to 100 task IDs or full ARN entries". */
const MAX_TASKS = 100;

/** Loads tasks, 100 per call. ECS forgets stopped tasks after an hour, and lists new ones only after some seconds. */
export async function describeTasks(
  { ecs, signal }: Pick<EcsDeps, "ecs" | "signal">,
  { cluster, taskArns, tags = false }: TasksInput & { readonly tags?: boolean },
): Promise<DescribedTasks> {
  const found = new Map<string, Task>();
  for (const asked of chunk(taskArns, MAX_TASKS)) {
    const input = { cluster, tasks: asked, ...(tags ? { include: ["TAGS" as const] } : {}) };
    const { tasks = [] } = await ecs.send(new DescribeTasksCommand(input), { abortSignal: signal });
    for (const task of tasks) if (task.taskArn !== undefined) found.set(task.taskArn, task);
  }
  return {
    tasks: taskArns.flatMap((arn) => found.get(arn) ?? []),
    missing: taskArns.filter((arn) => !found.has(arn)),
  };
}

/**
 * Returns the ARNs of all tasks that match. ListTasks allows no other filter together with `startedBy`. Without a
 * `desiredStatus` it lists RUNNING tasks; STOPPED ones have stopped, or are stopping, within the last hour.
 */
export async function listTasks(
  { ecs, signal }: Pick<EcsDeps, "ecs" | "signal">,
  filter: ListTasksCommandInput,
): Promise<readonly string[]> {
  const taskArns: string[] = [];
  const pages = listPages(async ({ cursor: nextToken }) => {
    const page = await ecs.send(new ListTasksCommand({ ...filter, nextToken }), { abortSignal: signal });
    return { ...page, cursor: page.nextToken || undefined };
  });
  for await (const page of pages) taskArns.push(...(page.taskArns ?? []));
  return taskArns;
}

/**
 * Returns the tasks that an earlier call for this order has started, running or stopped within the last hour: those of
 * its `startedBy` with all its tags. A task is listed some seconds after its start.
 */
export async function findStartedTasks(
  deps: Pick<EcsDeps, "ecs" | "signal">,
  order: Pick<TaskOrder, "cluster" | "startedBy" | "taskDefinition" | "tags">,
): Promise<readonly Task[]> {
  const { cluster, startedBy, tags = [] } = order;
  const running = await listTasks(deps, { cluster, startedBy });
  const family = toLastPart(order.taskDefinition).replace(/:[0-9]+$/, "");
  const stopped = await listTasks(deps, { cluster, family, desiredStatus: "STOPPED" });
  const taskArns = [...new Set([...running, ...stopped])];
  const { tasks } = await describeTasks(deps, { cluster, taskArns, tags: tags.length > 0 });
  return tasks.filter((task) => task.startedBy === startedBy && hasTags(task, tags));
}

/** Returns true if the task has all tags. A tag without a value has an empty one. */
function hasTags(task: Task, tags: readonly Tag[]): boolean {
  const own = new Map(task.tags?.map(({ key, value = "" }) => [key, value]));
  return tags.every(({ key, value = "" }) => own.get(key) === value);
}

/** Which tasks were stopped, and which no longer existed. */
interface StoppedTasks {
  readonly stopped: readonly string[];
  readonly gone: readonly string[];
}

/** StopTask API, `reason`: at most 1,024 characters are kept. */
const MAX_REASON_CHARS = 1_024;

/**
 * Stops each task: SIGTERM now, SIGKILL after its stop timeout (30 s by default). A missing task or cluster is not an
 * error, so it may be called again. Throws other errors after every task was tried.
 */
export async function stopTasks(
  { ecs }: Pick<EcsDeps, "ecs">,
  { cluster, taskArns, reason }: TasksInput & { readonly reason: string },
): Promise<StoppedTasks> {
  const stopped: string[] = [];
  const gone: string[] = [];
  const errors: unknown[] = [];
  for (const task of taskArns) {
    try {
      await ecs.send(new StopTaskCommand({ cluster, task, reason: cutText(toStrictText(reason), MAX_REASON_CHARS) }));
      stopped.push(task);
    } catch (error) {
      if (toAnswer(error) === "gone") gone.push(task);
      else errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
  return { stopped, gone };
}

/** Formats `2 RUNNING, 1 PENDING`, in the order of a task's states, for people. */
export function toStatesText(tasks: readonly { readonly lastStatus?: string | undefined }[], missing = 0): string {
  const counts = new Map<string, number>();
  for (const { lastStatus = "UNKNOWN" } of tasks) counts.set(lastStatus, (counts.get(lastStatus) ?? 0) + 1);
  if (missing > 0) counts.set("MISSING", missing);
  const states = [...counts].sort(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b));
  return states.length === 0 ? "gone" : states.map(([state, count]) => `${count} ${state}`).join(", ");
}

/** Developer guide, "Task lifecycle". */
const ORDER = [
  "MISSING",
  "UNKNOWN",
  "PROVISIONING",
  "PENDING",
  "ACTIVATING",
  "RUNNING",
  "DEACTIVATING",
  "STOPPING",
  "DEPROVISIONING",
  "STOPPED",
];

/** An error of a call, as a step failure. */
export interface AwsFailure {
  readonly code: "ECS_AWS_ERROR" | "ECS_TASK_DEFINITION" | "ECS_NETWORK";
  /** The AWS error's name and message, and what was tried. */
  readonly message: string;
  readonly retryable: boolean;
}

const MAX_CHARS = 1_000;

/** The rejections of ECS at the start although the definition was checked before: it may have changed meanwhile. */
const BY_MESSAGE: readonly (readonly [RegExp, "ECS_TASK_DEFINITION" | "ECS_NETWORK"])[] = [
  [/task ?definition.*(not found|inactive|does not exist)|unable to describe task definition/i, "ECS_TASK_DEFINITION"],
  [/network ?configuration|network ?mode/i, "ECS_NETWORK"],
];

/** Evaluates an error of a call of ECS or CloudWatch Logs; `what` is a short clause such as `RunTask in "web"`. */
export function toAwsFailure(error: unknown, what: string): AwsFailure {
  const fault = findAwsFault(error);
  const message = error instanceof Error ? error.message : String(error);
  const name = error instanceof Error && error.name !== "Error" ? `${error.name}: ` : "";
  const text = cutText(`${name}${redactText(message)}`, MAX_CHARS);
  const isCallers = name.startsWith("ClientException") || name.startsWith("InvalidParameterException");
  const code = (isCallers && BY_MESSAGE.find(([pattern]) => pattern.test(message))?.[1]) || "ECS_AWS_ERROR";
  const retryable = fault.answer === "passing";
  return { code, message: `${what} failed. ${text}${text.endsWith(".") ? "" : "."}`, retryable };
}
