import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { checkDefinition } from "../check-definition.ts";
import { type LoadedDefinition, loadDefinition } from "../load-definition.ts";
import { decideRequest, listNeededFacts, type NoneReason, type RequestFacts } from "./decide-request.ts";
import { findChanges } from "./find-changes.ts";
import { finish, meetTrouble } from "./finish-work.ts";
import type { TaskProperties } from "./parse-properties.ts";
import { toShown } from "./property-readers.ts";
import { findRememberedRun } from "./resource-memory.ts";
import type { Turn, TurnContext } from "./turn.ts";

const NONE_TEXTS: Readonly<Record<NoneReason, string>> = {
  COUNT_ZERO: "Nothing was run, since Count is 0.",
  RUN_ON_UPDATE_FALSE: "Nothing was run, since RunOnUpdate is false.",
  ROLLBACK: "Nothing was run, since the stack rolls back and RunOnRollback is false.",
  CRITERIA_UNCHANGED: "Nothing was run, since no variable that UpdateCriteria names has changed.",
};

/** Asks for the facts that the decision depends on, decides, and looks whether what is to run can run. */
export async function decideWork(context: TurnContext): Promise<Turn> {
  const { request } = context.work;
  const needed = listNeededFacts(request);
  const facts: RequestFacts = needed.includes("stackStatus") ? { stackStatus: await findStackStatus(context) } : {};
  const action = decideRequest(request, facts);
  if (action.kind === "fail") return finish(context, { status: "FAILED", code: action.code, text: action.reason });
  if (action.kind === "stop") return { kind: "next", changes: { phase: "stop" } };
  if (action.kind === "none") return toNone(context, action.reason);
  // A family is resolved once: what is compared is what is run.
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
  const remembered = await findRememberedRun(context.deps, context.id);
  const { taskDefinitionArn } = remembered ?? {};
  return finish(context, { status: "SUCCESS", code: why, text: NONE_TEXTS[why], why, taskDefinitionArn });
}

async function prepareRun(context: TurnContext, config: TaskProperties, loaded: LoadedDefinition): Promise<Turn> {
  if (loaded.kind === "failed") return meetTrouble(context, loaded);
  const { definition, taskDefinitionArn } = loaded;
  const fault = checkDefinition(definition, { ...config, check: config.checkContainers });
  if (fault !== undefined) {
    const end = { status: "FAILED", code: fault.code, text: fault.message, why: "RUN" } as const;
    return finish(context, end, { taskDefinitionArn });
  }
  context.definitions.remember(taskDefinitionArn, definition);
  await context.handOver();
  const phase = config.targetGroupHealthCheck === undefined ? "start" : "health";
  return { kind: "next", changes: { phase, taskDefinitionArn } };
}

/** Undefined, with a warning, where it cannot be read: the tasks are run then. */
async function findStackStatus({ deps, work, logger, signal }: TurnContext): Promise<string | undefined> {
  const { StackId, RequestId } = work.request;
  try {
    const command = new DescribeStacksCommand({ StackName: StackId });
    const { Stacks = [] } = await deps.aws(CloudFormationClient).send(command, { abortSignal: signal });
    const status = Stacks[0]?.StackStatus;
    if (status !== undefined) return status;
    throw new Error("CloudFormation names no such stack.");
  } catch (error) {
    signal.throwIfAborted();
    const fields = { requestId: RequestId, stackId: toShown(StackId), error };
    logger.warn("The stack's status cannot be read, so the tasks run as if it did not roll back.", fields);
    return undefined;
  }
}
