import { createHash } from "node:crypto";
import { allows } from "../identities.ts";
import { findNumber, findText, type SimCall, textOf } from "../sim-call.ts";
import {
  type Cluster,
  type Definition,
  type EcsState,
  ecsFaults as faults,
  findDefinition,
  findScript,
  openCluster,
  type Refusal,
  type SimTask,
  type Tag,
  type UsedToken,
} from "./ecs-state.ts";
import { type Placement, placeOnInstances, placeTasks, type Seat } from "./place-tasks.ts";
import { toTask } from "./read-tasks.ts";
import type { TaskScript } from "./task-course.ts";
import { toLife } from "./task-life.ts";

/** "Ensuring idempotency": a token lives for 24 hours, or as long as its tasks and an hour, whichever ends first. */
const TOKEN_MS = 24 * 3_600_000;
const AFTER_TASKS_MS = 3_600_000;

/**
 * Implements RunTask. The same client token with the same request answers with the tasks of the first, with another
 * request ConflictException. Source: API reference, "RunTask"; "Ensuring idempotency".
 */
export function runTask(state: EcsState, call: SimCall): unknown {
  const cluster = openCluster(state, call);
  const token = findText(call.input, "clientToken");
  const key = [cluster.arn, token].join(" ");
  const fingerprint = toFingerprint(call.input);
  const used = token === undefined ? undefined : findToken(state, key, call.now);
  if (used !== undefined && used.fingerprint !== fingerprint) throw faults.conflict(used.tasks.map(({ arn }) => arn));
  if (used !== undefined) return toAnswer(used.tasks, [], call.now);
  const answer = startTasks(state, withDefaultStrategy(call, cluster), cluster, placeTasks);
  if (token !== undefined && answer.tasks.length > 0) state.tokens.set(key, { fingerprint, tasks: answer.tasks });
  return toAnswer(answer.tasks, answer.failures, call.now);
}

function findToken({ tokens }: EcsState, key: string, now: number): UsedToken | undefined {
  const used = tokens.get(key);
  if (used === undefined) return undefined;
  const endsAt = Math.max(...used.tasks.map((task) => toLife(task, now).stoppedAt));
  const [first] = used.tasks;
  return now < Math.min((first?.createdAt ?? now) + TOKEN_MS, endsAt + AFTER_TASKS_MS) ? used : undefined;
}

/** Implements StartTask: on named instances, without a client token. */
export function startTask(state: EcsState, call: SimCall): unknown {
  const { tasks, failures } = startTasks(state, call, openCluster(state, call), placeOnInstances);
  return toAnswer(tasks, failures, call.now);
}

function startTasks(
  state: EcsState,
  call: SimCall,
  cluster: Cluster,
  place: typeof placeTasks,
): { readonly tasks: readonly SimTask[]; readonly failures: Placement["failures"] } {
  const definition = findDefinition(state, textOf(call.input, "taskDefinition"), call);
  if (definition === undefined) throw faults.client("TaskDefinition not found.");
  checkOrder(call, definition);
  checkPermissions(call, definition);
  const { seats, failures } = refuse(state, place({ state, call, cluster, definition }));
  const tasks = seats.map((seat) => beginTask(state, call, { cluster, definition, seat }));
  return { tasks, failures };
}

/** Applies the refusal that a test has set to a placement. */
function refuse({ refusals }: EcsState, placed: Placement): Placement {
  const [refusal] = refusals;
  if (refusal === undefined) return placed;
  const { calls = 1, tasks = placed.seats.length } = refusal;
  if (calls <= 1) refusals.shift();
  else refusals[0] = { ...refusal, calls: calls - 1 };
  const kept = Math.max(0, placed.seats.length - tasks);
  const failures = refusal.isSilent ? [] : placed.seats.slice(kept).map((seat) => toFailure(refusal, seat));
  return { seats: placed.seats.slice(0, kept), failures: [...placed.failures, ...failures] };
}

function toFailure({ reason, detail, arn }: Refusal, { instance }: Seat): Placement["failures"][number] {
  const of = arn ?? instance?.arn;
  return { ...(of && { arn: of }), reason, ...(detail && { detail }) };
}

function beginTask(
  state: EcsState,
  { input, now }: SimCall,
  { cluster, definition, seat }: { readonly cluster: Cluster; readonly definition: Definition; readonly seat: Seat },
): SimTask {
  const id = createHash("md5").update(`${cluster.arn} ${state.tasks.length}`).digest("hex");
  const script = findScript(state, definition);
  const propagated = input["propagateTags"] === "TASK_DEFINITION" ? (definition.tags ?? []) : [];
  const tags = mergeTags(propagated, Array.isArray(input["tags"]) ? input["tags"] : []);
  const task: SimTask = {
    id,
    arn: `${cluster.arn.replace(/:cluster\//, ":task/")}/${id}`,
    cluster,
    definition,
    createdAt: now,
    input,
    launchType: seat.capacityProvider === undefined ? seat.launchType : undefined,
    capacityProvider: seat.capacityProvider,
    instance: seat.instance,
    stop: undefined,
    script: seat.scaleOutMs === undefined ? script : toScaledScript(script, seat.scaleOutMs),
    tags,
    firstTags: tags,
  };
  state.tasks.push(task);
  state.onStart(task);
  return task;
}

/** Without capacity ECS gives a task up after half an hour, and it has no containers then (PrefectHQ/prefect#22410). */
const GIVEN_UP_MS = 30 * 60_000;

function toScaledScript(script: TaskScript, scaleOutMs: number): TaskScript {
  if (scaleOutMs <= GIVEN_UP_MS) return { ...script, stagesMs: { PROVISIONING: scaleOutMs, ...script.stagesMs } };
  return {
    failsToStart: "Timeout waiting for capacity to become available",
    hasNoContainers: true,
    stagesMs: { PROVISIONING: GIVEN_UP_MS, PENDING: 0, ACTIVATING: 0 },
  };
}

/** Merges tags: explicit ones override propagated ones. */
function mergeTags(propagated: readonly Tag[], given: readonly Tag[]): readonly Tag[] {
  return [...propagated.filter(({ key }) => !given.some((each) => each.key === key)), ...given];
}

/**
 * Checks permissions: tags on creation need `ecs:TagResource`, roles need `iam:PassRole` (developer guide, "Grant
 * permission to tag resources on creation", "Amazon ECS task execution IAM role").
 */
function checkPermissions({ identity, input }: SimCall, definition: Definition): void {
  const overrides = Object(input["overrides"]);
  const roles = [
    overrides.taskRoleArn ?? definition.taskRoleArn,
    overrides.executionRoleArn ?? definition.executionRoleArn,
  ];
  if (Array.isArray(input["tags"]) && input["tags"].length > 0 && !allows(identity.allow, "ecs:TagResource")) {
    throw faults.denied(identity.arn, "ecs:TagResource");
  }
  const passed = roles.find((role) => role !== undefined);
  if (passed !== undefined && !allows(identity.allow, "iam:PassRole")) {
    throw faults.denied(identity.arn, `iam:PassRole on resource: ${passed}`);
  }
}

/** Follows "RunTask", `launchType`: without it and without a strategy, the cluster's default strategy is used. */
function withDefaultStrategy(call: SimCall, { defaultStrategy }: Cluster): SimCall {
  const { launchType, capacityProviderStrategy } = call.input;
  if (defaultStrategy === undefined || launchType !== undefined || capacityProviderStrategy !== undefined) return call;
  return { ...call, input: { ...call.input, capacityProviderStrategy: defaultStrategy } };
}

function toAnswer(tasks: readonly SimTask[], failures: Placement["failures"], now: number): unknown {
  return { tasks: tasks.map((task) => toTask(task, now, { withTags: true })), failures };
}

/** Returns the request with its fields in a fixed order. */
function toFingerprint(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each !== "object" || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)));
  });
}

type Input = SimCall["input"];
/** Why a request is refused; undefined: this rule has nothing against it. */
type Rule = (input: Input, definition: Definition) => string | undefined;

/** API reference, "RunTask" and "StartTask": characters of the overrides, with those of JSON. */
const MAX_OVERRIDES = 8_192;
const MAX_STARTED_BY = { RunTask: 128, StartTask: 36 };
const MAX_TAGS = 50;

/** Refuses what RunTask and StartTask refuse. Source: API reference of both, the doc of each parameter. */
function checkOrder({ operation, input }: SimCall, definition: Definition): void {
  const rules = operation === "RunTask" ? [...RULES, ...RUN_RULES] : [...RULES, ...START_RULES];
  const maxStartedBy = operation === "RunTask" ? MAX_STARTED_BY.RunTask : MAX_STARTED_BY.StartTask;
  const startedBy = findText(input, "startedBy") ?? "";
  if (startedBy.length > maxStartedBy || !/^[\w/-]*$/.test(startedBy)) {
    throw faults.parameter(`Invalid startedBy: up to ${maxStartedBy} letters, numbers, hyphens, slashes, underscores.`);
  }
  for (const rule of rules) {
    const why = rule(input, definition);
    if (why !== undefined) throw faults.parameter(why);
  }
}

const RULES: readonly Rule[] = [
  (_input, { isActive }) => (isActive ? undefined : "TaskDefinition is inactive"),
  checkOverrides,
  checkNetwork,
  checkTags,
  ({ propagateTags }) => (propagateTags === "SERVICE" ? "SERVICE is not a valid propagateTags of a task." : undefined),
  (input, definition) => {
    const overrides = Object(input["overrides"]);
    const role = overrides.taskRoleArn ?? definition.taskRoleArn;
    return input["enableExecuteCommand"] === true && role === undefined
      ? "The service couldn't enable execute command because a valid taskRoleArn is not being used. Specify a valid task role in your task definition and try again."
      : undefined;
  },
];

const RUN_RULES: readonly Rule[] = [
  (input) => {
    const count = findNumber(input, "count") ?? 1;
    return Number.isInteger(count) && count >= 1 && count <= 10 ? undefined : "Count must be between 1 and 10.";
  },
  (input) => checkList(input, "placementConstraints", 10),
  (input) => checkList(input, "placementStrategy", 5),
  ({ clientToken }) =>
    clientToken === undefined || /^[\x21-\x7e]{1,64}$/.test(String(clientToken))
      ? undefined
      : "Invalid clientToken: up to 64 characters in the range of 33-126.",
  checkLaunch,
];

const START_RULES: readonly Rule[] = [
  ({ containerInstances }) => {
    const count = Array.isArray(containerInstances) ? containerInstances.length : 0;
    return count >= 1 && count <= 10 ? undefined : "Container instances must be between 1 and 10.";
  },
  (_input, definition) => checkCompatibility(definition, "EC2"),
];

function checkOverrides({ overrides }: Input, { containerDefinitions }: Definition): string | undefined {
  if (overrides === undefined) return undefined;
  if (JSON.stringify(overrides).length > MAX_OVERRIDES) {
    return `Container Overrides length must be at most ${MAX_OVERRIDES}`;
  }
  const named: readonly { readonly name?: string }[] = Object(overrides).containerOverrides ?? [];
  const stranger = named.find(({ name }) => !containerDefinitions.some((each) => each.name === name));
  if (stranger === undefined) return undefined;
  return stranger.name === undefined
    ? "Container override name cannot be empty."
    : `Override for container named ${stranger.name} is not a container in the TaskDefinition.`;
}

function checkNetwork({ networkConfiguration }: Input, { networkMode }: Definition): string | undefined {
  const vpc = Object(networkConfiguration).awsvpcConfiguration;
  if (networkMode !== "awsvpc") {
    const why = "Network Configuration is not valid for the given networkMode of this task definition.";
    return networkConfiguration === undefined ? undefined : why;
  }
  if (vpc === undefined) return "Network Configuration must be provided when networkMode 'awsvpc' is specified.";
  const { subnets = [], securityGroups = [] } = vpc;
  if (subnets.length === 0) return "subnets can not be empty.";
  if (subnets.length > 16) return "subnets can have at most 16 items.";
  return securityGroups.length > 5 ? "securityGroups can have at most 5 items." : undefined;
}

function checkTags({ tags }: Input): string | undefined {
  const given: readonly Tag[] = Array.isArray(tags) ? tags : [];
  if (given.length > MAX_TAGS) return "The number of tags exceeds 50.";
  if (new Set(given.map(({ key }) => key)).size < given.length) return "Duplicate tag keys are not allowed.";
  const isBad = ({ key = "", value = "" }: Tag): boolean =>
    key.length < 1 ||
    key.length > 128 ||
    value.length > 256 ||
    /^aws:/i.test(key) ||
    !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(key + value);
  return given.some(isBad) ? "Some of the tags contain invalid characters or are too long." : undefined;
}

/** Checks launch type, capacity providers, platform version, Fargate. */
function checkLaunch(input: Input, definition: Definition): string | undefined {
  const launchType = findText(input, "launchType");
  const strategy: unknown = input["capacityProviderStrategy"];
  if (strategy !== undefined) return checkStrategy(launchType, strategy) ?? checkPlatform(input, undefined);
  if (launchType === "MANAGED_INSTANCES") return "Use a capacity provider strategy for Managed Instances.";
  return checkCompatibility(definition, launchType ?? "EC2") ?? checkPlatform(input, launchType ?? "EC2");
}

function checkPlatform(input: Input, launchType: string | undefined): string | undefined {
  const vpc = Object(Object(input["networkConfiguration"]).awsvpcConfiguration);
  const isEc2 = launchType === "EC2" || launchType === "EXTERNAL";
  if (isEc2 && input["platformVersion"] !== undefined) {
    return `The platform version must be null when specifying an ${launchType} launch type.`;
  }
  return isEc2 && vpc.assignPublicIp === "ENABLED"
    ? "Assign public IP is not supported for this launch type."
    : undefined;
}

/** Follows the doc of `CapacityProviderStrategyItem`. */
function checkStrategy(launchType: string | undefined, strategy: unknown): string | undefined {
  if (launchType !== undefined) {
    return "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.";
  }
  const items: readonly { readonly weight?: number; readonly base?: number }[] = Array.isArray(strategy)
    ? strategy
    : [];
  if (items.length === 0 || items.length > 20) return "A capacity provider strategy has between 1 and 20 items.";
  if (items.filter(({ base = 0 }) => base > 0).length > 1) return "Only one capacity provider can have a base.";
  if (items.some(({ weight = 0, base = 0 }) => weight > 1_000 || weight < 0 || base > 100_000 || base < 0)) {
    return "Weights range from 0 to 1,000 and bases from 0 to 100,000.";
  }
  // With a single provider of weight 0 tasks cannot be placed either.
  return items.every(({ weight = 0 }) => weight === 0)
    ? "The capacity provider strategy must have a capacity provider with a weight greater than zero."
    : undefined;
}

function checkCompatibility(definition: Definition, launchType: string): string | undefined {
  const supports = definition.requiresCompatibilities ?? ["EC2", "EXTERNAL"];
  const isSupported = supports.some((each) => each === launchType);
  return isSupported ? undefined : `Task definition does not support launch_type ${launchType}.`;
}

function checkList(input: Input, field: string, max: number): string | undefined {
  const given: unknown = input[field];
  return Array.isArray(given) && given.length > max ? `${field} can have at most ${max} items.` : undefined;
}
