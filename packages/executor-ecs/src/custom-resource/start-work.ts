import { TagResourceCommand } from "@aws-sdk/client-ecs";
import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { defined } from "@stackyard/core";
import { type StartResult, startTasks } from "../start-tasks.ts";
import type { TaskOrder } from "../task-order.ts";
import { decideAfterTry, FIRST_LOOK_MS, type PlacementTimes, type TaskRun, toTryLimits } from "../task-run.ts";
import { TASK_TAGS, toClientToken, toTaskTags } from "./identity.ts";
import type { TaskProperties } from "./parse-properties.ts";
import { recordRequest } from "./record-request.ts";
import { rememberCluster, rememberRun } from "./resource-record.ts";
import { toCountText } from "./response.ts";
import { toPatience } from "./trouble.ts";
import { BEFORE_SERVICE_TIMEOUT, configOf, fail, finish, type Turn, type TurnContext, toDeadline } from "./turn.ts";

/** Waits until the target group has a healthy target. */
export async function awaitHealth(context: TurnContext): Promise<Turn> {
  const { deps, signal, work } = context;
  const config = configOf(context);
  const { targetGroupHealthCheck: TargetGroupArn = "", pollInterval } = config;
  const client = deps.aws(ElasticLoadBalancingV2Client, TargetGroupArn.split(":")[3]);
  const answer = await client.send(new DescribeTargetHealthCommand({ TargetGroupArn }), { abortSignal: signal });
  const states = (answer.TargetHealthDescriptions ?? []).map(({ TargetHealth }) => TargetHealth?.State ?? "unknown");
  if (states.includes("healthy")) return { kind: "next", changes: { phase: "start" } };
  const leftMs = toDeadline(config, work) - deps.clock.now();
  if (leftMs > 0) return { kind: "wait", changes: {}, afterMs: Math.min(pollInterval * 1_000, leftMs) };
  const shown = states.length === 0 ? "it has none" : `they are ${[...new Set(states)].join(", ")}`;
  return fail(context, { code: "ECS_TIMEOUT", message: `No target of ${TargetGroupArn} became healthy: ${shown}.` });
}

/**
 * CloudFormation deletes a resource after giving up its creation, with or without a response; and it has a response of a
 * request whose execution was started without an acknowledgement.
 */
const CLOSED = {
  code: "ECS_CANCELLED",
  message: "The resource was deleted before its tasks had been started, or the request was answered.",
};

/**
 * A step that comes so long after its intent is a repetition: the invocation before it may have started tasks, which ECS
 * lists by now. The state machine repeats none earlier.
 */
const REPEATED_AFTER_MS = 60_000;

/** Tries once to start the missing tasks, in two steps: the intent is stored first. */
export async function startWork(context: TurnContext): Promise<Turn> {
  const { work, deps } = context;
  const { intendedAt, triedAt = 0 } = work;
  if (intendedAt === undefined) return intendTry(context);
  const isRepeated = triedAt >= intendedAt || deps.clock.now() - intendedAt >= REPEATED_AFTER_MS;
  // Nothing is awaited after it: what it has started must reach the state.
  const result = await startTasks(context.ecs, toOrder(context, isRepeated), work.taskArns);
  return toNext(context, isRepeated ? work : { ...work, intendedAt: undefined }, result);
}

async function intendTry(context: TurnContext): Promise<Turn> {
  const { work, deps, id, cluster } = context;
  const config = configOf(context);
  const now = deps.clock.now();
  if (now >= toDeadline(config, work)) {
    const message = `The time was over before the tasks were started.${toShortTimeText(config)}`;
    return fail(context, { code: "ECS_TIMEOUT", message });
  }
  if (!(await rememberCluster(deps, id, { cluster, receivedAt: work.receivedAt }))) return fail(context, CLOSED);
  return { kind: "next", changes: { intendedAt: now, placingSince: work.placingSince ?? now } };
}

/** `run`: without an intent unless an earlier call of this try may have started tasks. */
function toNext(context: TurnContext, run: TaskRun, result: StartResult): Turn {
  const patience = toPatience(context);
  const limits = result.kind === "failed" ? patience : toTryLimits(result, toPlacementTimes(context));
  const after = decideAfterTry(run, result, limits);
  switch (after.kind) {
    case "started":
      return { kind: "next", changes: { ...after.run, phase: "record" } };
    case "again": {
      const trouble = result.kind === "failed" ? { troubledSince: patience.since } : {};
      return { kind: "wait", changes: { ...after.run, ...trouble }, afterMs: after.afterMs };
    }
    case "given-up": {
      const { code, message } = after.failure;
      return fail(context, { code, message }, { changes: after.run });
    }
  }
}

function toPlacementTimes({ work, deps, config: maybe }: TurnContext): PlacementTimes {
  const { placementTimeout, pollInterval, ...config } = configOf({ config: maybe });
  const now = deps.clock.now();
  const deadline = toDeadline(config, work);
  const since = work.placingSince ?? now;
  return { now, since, placementMs: placementTimeout * 1_000, deadline, everyMs: pollInterval * 1_000 };
}

/** Returns the order for RunTask or StartTask of the present try. */
function toOrder(context: TurnContext, isRepeated: boolean): TaskOrder {
  const { work, id } = context;
  const { instances, tags = [], count, updateCriteria: _, ...config } = configOf(context);
  const { request, attempt, intendedAt, taskDefinitionArn } = work;
  return {
    ...config,
    count,
    startedBy: id,
    clientToken: toClientToken(request.RequestId, attempt),
    ...defined({ taskDefinition: taskDefinitionArn }),
    ...(instances.length === 0 ? {} : { instances }),
    ...(isRepeated && intendedAt !== undefined ? { intendedAt } : {}),
    isRefused: attempt > 1,
    tags: [...toTaskTags(request), ...tags],
  };
}

/** Records the run of the resource as soon as all its tasks are started. */
export async function recordStart(context: TurnContext): Promise<Turn> {
  const { work, deps, id } = context;
  const { request, receivedAt, taskDefinitionArn = "", taskArns, startedAt = deps.clock.now() } = work;
  const { taskDefinition, timeout, cluster } = configOf(context);
  if (deps.physicalId === "taskArn") await tagPhysicalId(context, taskArns);
  const requestId = request.RequestId;
  const run = { taskDefinition, taskDefinitionArn, requestId, cluster, taskArns, startedAt, receivedAt };
  if (!(await rememberRun(deps, id, run))) return fail(context, CLOSED);
  await recordRequest(deps, { ...work, startedAt });
  if (timeout > 0) return { kind: "wait", changes: { phase: "wait" }, afterMs: FIRST_LOOK_MS };
  const text = `${toCountText(taskArns.length)} started and not waited for, since Timeout is 0.`;
  return finish(context, { status: "SUCCESS", code: "RUN", text, why: "RUN" });
}

/** Tags the tasks: a later Delete of this physical id stops only these. */
async function tagPhysicalId({ ecs, signal }: TurnContext, taskArns: readonly string[]): Promise<void> {
  const tags = [{ key: TASK_TAGS.physicalId, value: taskArns[0] ?? "" }];
  for (const resourceArn of taskArns) {
    await ecs.ecs.send(new TagResourceCommand({ resourceArn, tags }), { abortSignal: signal });
  }
}

/** Returns a sentence about a `ServiceTimeout` that leaves no time for the work; empty for another one. */
function toShortTimeText({ serviceTimeout }: Pick<TaskProperties, "serviceTimeout">): string {
  if (serviceTimeout === undefined || serviceTimeout > 2 * BEFORE_SERVICE_TIMEOUT) return "";
  const reserved = `${BEFORE_SERVICE_TIMEOUT} s of it are for the response`;
  return ` ServiceTimeout is ${serviceTimeout} s, and ${reserved}: raise it.`;
}
