import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import type { TaskDefinition } from "@aws-sdk/client-ecs";
import { isMap } from "@stackyard/core";
import { checkDefinition } from "../judge.ts";
import { parseOverrides, type TaskOverrides } from "../parse-overrides.ts";
import { type LoadedDefinition, loadDefinition } from "../task-order.ts";
import {
  type CriteriaResult,
  criteriaChanged,
  decideRequest,
  listNeededFacts,
  type NoneReason,
  type RequestFacts,
} from "./decide-request.ts";
import { type TaskProperties, toShown } from "./parse-properties.ts";
import { closeEarlier, findLastRun } from "./resource-record.ts";
import { meetTrouble, toTrouble } from "./trouble.ts";
import { finish, type Turn, type TurnContext } from "./turn.ts";

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
  const { deps, id, work } = context;
  // An earlier request that CloudFormation has cancelled may still run: it must not continue after the way back.
  const last = await closeEarlier(deps, id, { requestId: work.request.RequestId, receivedAt: work.receivedAt });
  const { taskDefinitionArn } = last ?? {};
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
