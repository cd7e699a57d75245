import { defined } from "@stackyard/core";
import { findNumber, findText, type SimCall, textOf } from "../sim-call.ts";
import {
  type Cluster,
  type ContainerDefinition,
  type EcsState,
  ecsFaults as faults,
  openCluster,
  type SimTask,
  type Tag,
} from "./ecs-state.ts";
import type { ContainerCourse } from "./task-course.ts";
import { type Life, toLife } from "./task-life.ts";

/** "DescribeTasks" and "ListTasks": at most so many a call. */
const MAX_TASKS = 100;
/** "DescribeTasks": stopped tasks appear in the results for at least one hour; here for no longer. */
const REMEMBERED_MS = 3_600_000;
const FILTERS = ["containerInstance", "family", "serviceName", "desiredStatus", "launchType", "daemonName"];

/** Implements DescribeTasks: what it does not find is a failure with the reason MISSING. */
export function describeTasks(state: EcsState, call: SimCall): unknown {
  const cluster = openCluster(state, call);
  const named: readonly string[] = Array.isArray(call.input["tasks"]) ? call.input["tasks"].map(String) : [];
  if (named.length === 0) throw faults.parameter("Tasks cannot be empty.");
  if (named.length > MAX_TASKS) throw faults.parameter("Tasks can not be more than 100 items.");
  const include: unknown = call.input["include"];
  const withTags = Array.isArray(include) && include.includes("TAGS");
  const tasks: unknown[] = [];
  const failures: unknown[] = [];
  for (const name of named) {
    const task = findTask(state, cluster, name, call.now);
    if (task !== undefined && isVisible(task, call.now)) tasks.push(toTask(task, call.now, { withTags }));
    else failures.push({ arn: toTaskArn(cluster, name), reason: "MISSING" });
  }
  return { tasks, failures };
}

/** Implements ListTasks: by default those whose desired status is RUNNING. `startedBy` must be the only filter. */
export function listTasks(state: EcsState, call: SimCall): unknown {
  const { input, now } = call;
  const cluster = openCluster(state, call);
  if (input["startedBy"] !== undefined && FILTERS.some((filter) => input[filter] !== undefined)) {
    throw faults.parameter("When you specify startedBy as the filter, it must be the only filter that you use.");
  }
  const limit = findNumber(input, "maxResults") ?? MAX_TASKS;
  if (limit < 1 || limit > MAX_TASKS) throw faults.parameter("maxResults must be between 1 and 100.");
  const arns = state.tasks
    .filter((task) => task.cluster === cluster && isRemembered(task, now) && isVisible(task, now))
    .filter((task) => matches(task, call))
    .map(({ arn }) => arn)
    .sort();
  const from = readToken(findText(input, "nextToken"));
  const page = arns.filter((arn) => arn > from).slice(0, limit);
  const last = page.at(-1);
  const hasMore = last !== undefined && last !== arns.at(-1);
  return { taskArns: page, ...(hasMore ? { nextToken: Buffer.from(`after ${last}`).toString("base64") } : {}) };
}

/**
 * Implements StopTask: the containers of the task get SIGTERM. A stopped task does not change. Its tags are deleted.
 */
export function stopTask(state: EcsState, call: SimCall): unknown {
  const { input, now } = call;
  const task = findTask(state, openCluster(state, call), textOf(input, "task"), now);
  if (task === undefined) throw faults.taskMissing();
  const reason = findText(input, "reason") ?? "Task stopped by user";
  if (toLife(task, now).end.at > now) task.stop = { at: now, code: "UserInitiated", reason };
  task.tags = [];
  return { task: toTask(task, now, { withTags: false }) };
}

/** Implements TagResource: only for tasks. New tags override existing ones. */
export function tagTask({ tasks }: EcsState, { input, now }: SimCall): unknown {
  const arn = textOf(input, "resourceArn");
  const task = tasks.find((each) => each.arn === arn && isRemembered(each, now));
  if (task === undefined) throw faults.parameter("The specified task is not found.");
  const given: readonly Tag[] = Array.isArray(input["tags"]) ? input["tags"] : [];
  task.tags = [...task.tags.filter(({ key }) => !given.some((tag) => tag.key === key)), ...given];
  return {};
}

/** Finds a task by id or ARN, while ECS remembers it. */
function findTask({ tasks }: EcsState, cluster: Cluster, name: string, now: number): SimTask | undefined {
  return tasks.find(
    (task) => task.cluster === cluster && (task.id === name || task.arn === name) && isRemembered(task, now),
  );
}

function isRemembered(task: SimTask, now: number): boolean {
  return now < toLife(task, now).stoppedAt + REMEMBERED_MS;
}

function isVisible({ createdAt, script }: SimTask, now: number): boolean {
  const { missingMs = 0, lostAfterMs = Number.POSITIVE_INFINITY } = script;
  return now >= createdAt + missingMs && now < createdAt + lostAfterMs;
}

function matches(task: SimTask, { input, now }: SimCall): boolean {
  const { definition, instance } = task;
  const is = (filter: string, ...values: (string | undefined)[]): boolean => {
    const wanted = findText(input, filter);
    return wanted === undefined || values.includes(wanted);
  };
  const desired = toLife(task, now).end.at <= now ? "STOPPED" : "RUNNING";
  return (
    desired === (findText(input, "desiredStatus") ?? "RUNNING") &&
    is("startedBy", findText(task.input, "startedBy")) &&
    is("family", definition.family) &&
    is("launchType", task.launchType) &&
    is("containerInstance", instance?.id, instance?.arn) &&
    is("serviceName") &&
    is("daemonName")
  );
}

function readToken(token: string | undefined): string {
  if (token === undefined) return "";
  const text = Buffer.from(token, "base64").toString();
  if (!text.startsWith("after ")) throw faults.parameter("Invalid token.");
  return text.slice("after ".length);
}

function toTaskArn({ arn }: Cluster, name: string): string {
  return name.startsWith("arn:") ? name : `${arn.replace(/:cluster\//, ":task/")}/${name}`;
}

/** Returns a task as ECS describes it (API reference, "Task" and "Container"). Tags are only returned on request. */
export function toTask(task: SimTask, now: number, { withTags }: { readonly withTags: boolean }) {
  const life = toLife(task, now);
  const { definition, cluster, input } = task;
  const hasEnded = now >= life.end.at;
  const startedBy = findText(input, "startedBy");
  return {
    taskArn: task.arn,
    clusterArn: cluster.arn,
    taskDefinitionArn: definition.arn,
    lastStatus: life.stage,
    desiredStatus: hasEnded ? "STOPPED" : "RUNNING",
    attachments: toAttachments(task, life),
    attributes: [],
    availabilityZone: `${cluster.region}a`,
    containers: toContainers(task, life, now),
    ...(task.launchType && { launchType: task.launchType }),
    ...(task.capacityProvider && { capacityProviderName: task.capacityProvider }),
    ...(task.instance && { containerInstanceArn: task.instance.arn }),
    ...(definition.cpu && { cpu: definition.cpu }),
    ...(definition.memory && { memory: definition.memory }),
    ...(isFargate(task) && { platformVersion: "1.4.0", platformFamily: "Linux" }),
    group: findText(input, "group") ?? `family:${definition.family}`,
    ...(startedBy && { startedBy }),
    enableExecuteCommand: input["enableExecuteCommand"] === true,
    healthStatus: "UNKNOWN",
    overrides: input["overrides"] ?? { containerOverrides: [] },
    tags: withTags ? task.tags : [],
    version: life.stages.filter(({ at }) => at <= now).length,
    ...toInstants(task, life, now),
    ...(hasEnded && { stopCode: life.end.code, stoppedReason: life.end.reason }),
  };
}

function toContainers(task: SimTask, life: Life, now: number) {
  if (now >= life.end.at && task.script.hasNoContainers) return [];
  return task.definition.containerDefinitions.map((each) => toContainer(task, each, life, now));
}

function toInstants({ createdAt }: SimTask, life: Life, now: number) {
  const past = (field: string, at: number) => (at <= now ? { [field]: new Date(at) } : {});
  return {
    createdAt: new Date(createdAt),
    ...past("startedAt", life.runningAt),
    ...past("stoppingAt", life.end.at),
    ...past("executionStoppedAt", life.executionStoppedAt),
    ...past("stoppedAt", life.stoppedAt),
  };
}

function toContainer(task: SimTask, definition: ContainerDefinition, life: Life, now: number) {
  const { name, image = `${name}:latest`, cpu = 0 } = definition;
  const course = life.containers.find((each) => each.name === name);
  const hasEnded = course !== undefined && course.endedAt <= now;
  const isRunning = now >= life.runningAt;
  const lastStatus = hasEnded ? "STOPPED" : isRunning ? "RUNNING" : "PENDING";
  const [prefix = ""] = task.arn.split(":task/");
  return {
    containerArn: `${prefix}:container/${task.cluster.name}/${task.id}/${name}`,
    taskArn: task.arn,
    name,
    image,
    lastStatus,
    networkInterfaces: [],
    healthStatus: "UNKNOWN",
    cpu: String(cpu),
    ...(isRunning && { runtimeId: `${task.id}-${name}`, imageDigest: toDigest(image) }),
    ...(hasEnded && toExit(course)),
  };
}

function toExit({ exitCode, reason }: ContainerCourse) {
  return defined({ exitCode, reason });
}

function toDigest(image: string): string {
  return `sha256:${Buffer.from(image).toString("hex").padEnd(64, "0").slice(0, 64)}`;
}

function isFargate({ launchType, capacityProvider }: SimTask): boolean {
  return launchType === "FARGATE" || capacityProvider === "FARGATE" || capacityProvider === "FARGATE_SPOT";
}

const ATTACHMENT_STATUS = {
  PROVISIONING: "PRECREATED",
  PENDING: "ATTACHING",
  DEPROVISIONING: "DETACHING",
  STOPPED: "DELETED",
} as const;

/** Returns the network interface of awsvpc ("Attachment"). */
function toAttachments({ id, definition, input }: SimTask, { stage }: Life) {
  if (definition.networkMode !== "awsvpc") return [];
  const [subnetId] = Object(Object(input["networkConfiguration"]).awsvpcConfiguration).subnets ?? [];
  const status = stage in ATTACHMENT_STATUS ? ATTACHMENT_STATUS[stage as keyof typeof ATTACHMENT_STATUS] : "ATTACHED";
  const details = [
    { name: "subnetId", value: subnetId },
    { name: "networkInterfaceId", value: `eni-${id.slice(0, 17)}` },
  ];
  return [{ id: `${id.slice(0, 8)}-eni`, type: "ElasticNetworkInterface", status, details }];
}
