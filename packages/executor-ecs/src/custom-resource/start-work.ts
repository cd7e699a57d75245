import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { TagResourceCommand, type TaskDefinition } from "@aws-sdk/client-ecs";
import { defined, isMap } from "@stackyard/core";
import { checkDefinition } from "../judge.ts";
import { parseOverrides, type TaskOverrides } from "../parse-overrides.ts";
import { type StartResult, startTasks } from "../start-tasks.ts";
import { type LoadedDefinition, loadDefinition, type TaskOrder } from "../task-order.ts";
import { decideAfterTry, FIRST_LOOK_MS, type PlacementTimes, type TaskRun, toTryLimits } from "../task-run.ts";
import {
  type CriteriaResult,
  criteriaChanged,
  decideRequest,
  listNeededFacts,
  type NoneReason,
  type RequestFacts,
} from "./decide-request.ts";
import { TASK_TAGS, toClientToken, toTaskTags } from "./identity.ts";
import { type TaskProperties, toShown } from "./parse-properties.ts";
import { findLastRun, isDeletedSince, rememberRun } from "./resource-record.ts";
import {
  configOf,
  fail,
  finish,
  meetTrouble,
  type Turn,
  type TurnContext,
  toDeadline,
  toPatience,
  toShortTimeText,
  toTrouble,
} from "./turn.ts";

/** CloudFormation deletes a resource after giving up its creation, with or without a response. */
const DELETED = { code: "ECS_CANCELLED", message: "The resource was deleted before its tasks had been started." };

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
  const { work, deps, id } = context;
  const config = configOf(context);
  const now = deps.clock.now();
  if (now >= toDeadline(config, work)) {
    const message = `The time was over before the tasks were started.${toShortTimeText(config)}`;
    return fail(context, { code: "ECS_TIMEOUT", message });
  }
  if (await isDeletedSince(deps, id, work.receivedAt)) return fail(context, DELETED);
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
    tags: [...toTaskTags(request), ...tags],
  };
}

/** Records the run of the resource as soon as all its tasks are started. */
export async function recordStart(context: TurnContext): Promise<Turn> {
  const { work, deps, id } = context;
  const { request, receivedAt, taskDefinitionArn = "", taskArns, startedAt = deps.clock.now() } = work;
  const { taskDefinition, timeout } = configOf(context);
  if (deps.physicalId === "taskArn") await tagPhysicalId(context, taskArns);
  const run = { taskDefinition, taskDefinitionArn, requestId: request.RequestId, taskArns, startedAt, receivedAt };
  if (!(await rememberRun(deps, id, run))) return fail(context, DELETED);
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

/** Formats `1 task was`, `3 tasks were`. */
export function toCountText(count: number): string {
  return count === 1 ? "1 task was" : `${count} tasks were`;
}

const NONE_TEXTS: Readonly<Record<NoneReason, string>> = {
  COUNT_ZERO: "Nothing was run, since Count is 0.",
  RUN_ON_UPDATE_FALSE: "Nothing was run, since RunOnUpdate is false.",
  ROLLBACK: "Nothing was run, since the stack rolls back and RunOnRollback is false.",
  CRITERIA_UNCHANGED: "Nothing was run, because no variable in UpdateCriteria has changed.",
};

/** Loads the facts for the decision, decides, and checks whether the tasks can run. */
export async function decideWork(context: TurnContext): Promise<Turn> {
  const { request } = context.work;
  const needed = listNeededFacts(request);
  const facts: RequestFacts = needed.includes("stackStatus") ? { stackStatus: await findStackStatus(context) } : {};
  const action = decideRequest(request, facts);
  if (action.kind === "fail") return finish(context, { status: "FAILED", code: action.code, text: action.reason });
  // A Delete begins with its phase `stop`.
  if (action.kind === "stop") throw new TypeError("A Delete has nothing to decide.");
  if (action.kind === "none") return toNone(context, action.reason);
  // A family is resolved once: the compared revision is the one that runs.
  const loaded = await loadDefinition(context.ecs, action.config.taskDefinition);
  if (needed.includes("changes") && loaded.kind === "found") {
    const changes = await findChanges(context, action.config, loaded.definition);
    const again = decideRequest(request, { ...facts, changes });
    if (again.kind === "fail") return finish(context, { status: "FAILED", code: again.code, text: again.reason });
    if (again.kind === "none") return toNone(context, again.reason);
  }
  return prepareRun(context, action.config, loaded);
}

async function toNone(context: TurnContext, why: NoneReason): Promise<Turn> {
  const remembered = await findLastRun(context.deps, context.id);
  const { taskDefinitionArn } = remembered ?? {};
  return finish(context, { status: "SUCCESS", code: why, text: NONE_TEXTS[why], why, taskDefinitionArn });
}

function prepareRun(context: TurnContext, config: TaskProperties, loaded: LoadedDefinition): Turn {
  if (loaded.kind === "failed") return meetTrouble(context, toLoadTrouble(context, loaded));
  const { definition, taskDefinitionArn } = loaded;
  const fault = checkDefinition(definition, { ...config, check: config.checkContainers });
  if (fault !== undefined) {
    const end = { status: "FAILED", code: fault.code, text: fault.message, why: "RUN" } as const;
    return finish(context, end, { taskDefinitionArn });
  }
  context.definitions.remember(taskDefinitionArn, definition);
  const phase = config.targetGroupHealthCheck === undefined ? "start" : "health";
  return { kind: "next", changes: { phase, taskDefinitionArn } };
}

function toLoadTrouble(
  context: TurnContext,
  { code, message, retryable, cause }: LoadedDefinition & { kind: "failed" },
) {
  const { retryable: isPassing } = toTrouble(context, cause, "");
  return { code, message, retryable: retryable || (cause !== undefined && isPassing) };
}

/** Returns the stack's status; undefined, with a warning, when it cannot be read: then the tasks run. */
async function findStackStatus({ deps, work, logger, signal }: TurnContext): Promise<string | undefined> {
  const { StackId, RequestId } = work.request;
  try {
    const command = new DescribeStacksCommand({ StackName: StackId });
    const { Stacks = [] } = await deps.aws(CloudFormationClient).send(command, { abortSignal: signal });
    const status = Stacks[0]?.StackStatus;
    if (status !== undefined) return status;
    throw new Error("CloudFormation does not know the stack.");
  } catch (error) {
    signal.throwIfAborted();
    const fields = { requestId: RequestId, stackId: toShown(StackId), error };
    logger.warn("The stack's status cannot be read, so the tasks run as if it did not roll back.", fields);
    return undefined;
  }
}

/**
 * Returns the changes between the old and the new properties by the criteria; undefined if the old ones are unusable:
 * then everything counts as changed. A family means the revision that the resource ran last.
 */
async function findChanges(
  context: TurnContext,
  config: TaskProperties,
  definition: TaskDefinition,
): Promise<CriteriaResult | undefined> {
  const old = context.work.request.OldResourceProperties;
  const oldName = isMap(old) ? old["TaskDefinition"] : undefined;
  const before = typeof oldName === "string" && oldName !== "" ? await findOld(context, oldName) : undefined;
  const oldOverrides = toOldOverrides(context, isMap(old) ? old["Overrides"] : undefined);
  const changes = criteriaChanged(config.updateCriteria ?? [], before, definition, oldOverrides, config.overrides);
  // Without an old definition the tasks run, whatever the criteria name, if that exists.
  return before === undefined && !("kind" in changes) ? undefined : changes;
}

async function findOld(context: TurnContext, oldName: string): Promise<TaskDefinition | undefined> {
  const { deps, ecs, id, logger, work } = context;
  const remembered = await findLastRun(deps, id);
  const isKnown = remembered?.taskDefinition === oldName;
  const fields = { requestId: work.request.RequestId, taskDefinition: oldName };
  if (!isKnown && !/:\d+$/.test(oldName)) {
    logger.warn("The revision of the last run is unknown, so the latest revision is compared with itself.", fields);
  }
  const loaded = await loadDefinition(ecs, isKnown ? remembered.taskDefinitionArn : oldName);
  if (loaded.kind === "found") return loaded.definition;
  // Throttling and outages are retried later instead of running the tasks.
  if (loaded.retryable) throw loaded.cause;
  logger.warn("The old task definition cannot be read, so everything counts as changed.", {
    ...fields,
    code: loaded.code,
    message: loaded.message,
  });
  return undefined;
}

/** Properties of an older deployment may have been taken then and not be understood now. */
function toOldOverrides({ logger, work }: TurnContext, value: unknown): TaskOverrides | undefined {
  const parsed = parseOverrides(value);
  if (!("problems" in parsed)) return parsed.overrides;
  logger.warn("The old Overrides cannot be read and are ignored in the comparison.", {
    requestId: work.request.RequestId,
    problems: parsed.problems,
  });
  return undefined;
}
