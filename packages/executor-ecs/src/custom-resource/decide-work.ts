import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import type { TaskDefinition } from "@aws-sdk/client-ecs";
import { defined, isMap, StackyardError } from "@stackyard/core";
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
  const status = needed.includes("stackStatus") ? await readFact(context, STATUS_UNKNOWN, loadStackStatus) : undefined;
  if (status?.kind === "unknown") return status.turn;
  const facts: RequestFacts = defined({ stackStatus: status?.value });
  const action = decideRequest(request, facts);
  if (action.kind === "fail") return finish(context, { status: "FAILED", code: action.code, text: action.reason });
  // A Delete begins with its phase `stop`.
  if (action.kind === "stop") throw new TypeError("A Delete has nothing to decide.");
  if (action.kind === "none") return toNone(context, action.reason);
  // A family is resolved once: the compared revision is the one that runs.
  const loaded = await loadDefinition(context.ecs, action.config.taskDefinition);
  if (needed.includes("changes") && loaded.kind === "found") {
    const { definition } = loaded;
    const turn = await decideByChanges(context, facts, { config: action.config, definition });
    if (turn !== undefined) return turn;
  }
  return prepareRun(context, action.config, loaded);
}

/** Decides once more, by what has changed in the definition; undefined: the tasks run. */
async function decideByChanges(
  context: TurnContext,
  facts: RequestFacts,
  { config, definition }: { readonly config: TaskProperties; readonly definition: TaskDefinition },
): Promise<Turn | undefined> {
  const changes = await readFact(context, OLD_UNKNOWN, () => findChanges(context, config, definition));
  if (changes.kind === "unknown") return changes.turn;
  const action = decideRequest(context.work.request, { ...facts, changes: changes.value });
  if (action.kind === "fail") return finish(context, { status: "FAILED", code: action.code, text: action.reason });
  return action.kind === "none" ? toNone(context, action.reason) : undefined;
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

const STATUS_UNKNOWN =
  "Nothing was run: the stack's status cannot be read, so it is not known whether it rolls back (RunOnRollback is false).";
const OLD_UNKNOWN =
  "Nothing was run: the old task definition cannot be read, so it is not known what has changed (UpdateCriteria).";

/** A fact that decides whether tasks run; `unknown`: how the request continues instead. */
type Fact<Value> =
  | { readonly kind: "known"; readonly value: Value }
  | { readonly kind: "unknown"; readonly turn: Turn };

/**
 * Reads a fact. Tasks cannot be taken back, so what is unknown runs none: what passes is read again, and what stays unknown fails the
 * request with the reason.
 */
async function readFact<Value>(
  context: TurnContext,
  what: string,
  read: (context: TurnContext) => Promise<Value>,
): Promise<Fact<Value>> {
  try {
    return { kind: "known", value: await read(context) };
  } catch (error) {
    context.signal.throwIfAborted();
    const trouble = toTrouble(context, error, "The call");
    return { kind: "unknown", turn: meetTrouble(context, { ...trouble, message: `${what} ${trouble.message}` }) };
  }
}

async function loadStackStatus({ deps, work, signal }: TurnContext): Promise<string> {
  const { StackId } = work.request;
  const command = new DescribeStacksCommand({ StackName: StackId });
  const { Stacks = [] } = await deps.aws(CloudFormationClient).send(command, { abortSignal: signal });
  const status = Stacks[0]?.StackStatus;
  if (status !== undefined) return status;
  throw new StackyardError("NOT_FOUND", `CloudFormation does not know the stack ${toShown(StackId)}.`);
}

/**
 * Returns the changes between the old and the new properties by the criteria; `gone` if there is no old definition to compare with.
 * A family means the revision that the resource ran last. Throws when it cannot be read.
 */
async function findChanges(
  context: TurnContext,
  config: TaskProperties,
  definition: TaskDefinition,
): Promise<CriteriaResult | "gone"> {
  const old = context.work.request.OldResourceProperties;
  const oldName = isMap(old) ? old["TaskDefinition"] : undefined;
  const before = typeof oldName === "string" && oldName !== "" ? await findOld(context, oldName) : undefined;
  const oldOverrides = toOldOverrides(context, isMap(old) ? old["Overrides"] : undefined);
  const changes = criteriaChanged(config.updateCriteria ?? [], before, definition, oldOverrides, config.overrides);
  // Without an old definition the tasks run, whatever the criteria name, if that exists.
  return before === undefined && !("kind" in changes) ? "gone" : changes;
}

/** Returns the old definition; undefined when it does not exist any more. Throws when it cannot be read. */
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
  if (loaded.cause !== undefined) throw loaded.cause;
  const { code, message } = loaded;
  logger.warn("The old task definition does not exist any more, so everything counts as changed.", {
    ...fields,
    code,
    message,
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
