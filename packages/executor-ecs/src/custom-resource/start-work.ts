import { TagResourceCommand } from "@aws-sdk/client-ecs";
import { type StartResult, startTasks } from "../start-tasks.ts";
import type { TaskOrder } from "../task-order.ts";
import { toDeadline } from "./deadline.ts";
import { fail, finish, meetTrouble } from "./finish-work.ts";
import { TASK_TAGS, toClientToken, toTaskTags } from "./identity.ts";
import { isDeletedSince, rememberRun } from "./resource-memory.ts";
import type { TaskWork } from "./task-work.ts";
import { configOf, type Turn, type TurnContext } from "./turn.ts";

/** ECS knows new tasks after some seconds. */
const FIRST_LOOK_MS = 2_000;

/** CloudFormation deletes what it has given up to create, whether it has an answer or not. */
const DELETED = { code: "ECS_CANCELLED", text: "The resource was deleted before its tasks had been started." };

/** One try to start what is missing. The intent is noted before, so that a crash repeats this try and no other. */
export async function startWork(context: TurnContext): Promise<Turn> {
  const { clock } = context.deps;
  const before = context.work;
  const config = configOf(context);
  if (before.intendedAt === undefined && clock.now() >= toDeadline(config, before)) {
    return fail(context, { code: "ECS_TIMEOUT", text: "There was no time left to start the tasks." });
  }
  // The tasks of a try that was begun must be known before they can be ended.
  if (before.intendedAt === undefined && (await isDeletedSince(context.deps, context.id, before.receivedAt))) {
    return fail(context, DELETED);
  }
  const now = clock.now();
  const isRepeated = before.intendedAt !== undefined;
  if (!isRepeated) await context.save({ intendedAt: now, placingSince: before.placingSince ?? now });
  const result = await startTasks(context.ecs, toOrder(context, isRepeated), before.taskArns);
  const triedAt = clock.now();
  const turn = await toTurn(context, result);
  return { ...turn, changes: { triedAt, ...turn.changes } };
}

async function toTurn(context: TurnContext, result: StartResult): Promise<Turn> {
  switch (result.kind) {
    case "started":
      return toStarted(context, result.taskArns);
    case "retry":
      return toNextTry(context, result);
    case "failed":
      return toStartFailure(context, result);
  }
}

/** What RunTask or StartTask is sent for the present try. */
function toOrder(context: TurnContext, isRepeated: boolean): TaskOrder {
  const { work, id } = context;
  const { instances, tags = [], count, updateCriteria: _, ...config } = configOf(context);
  const { request, attempt, intendedAt, taskDefinitionArn } = work;
  return {
    ...config,
    count,
    startedBy: id,
    clientToken: toClientToken(request.RequestId, attempt),
    ...(taskDefinitionArn === undefined ? {} : { taskDefinition: taskDefinitionArn }),
    ...(instances.length === 0 ? {} : { instances }),
    ...(isRepeated && intendedAt !== undefined ? { intendedAt } : {}),
    tags: [...toTaskTags(request), ...tags],
  };
}

async function toStarted(context: TurnContext, taskArns: readonly string[]): Promise<Turn> {
  const { work, deps, id } = context;
  const { request, taskDefinitionArn = "" } = work;
  const { taskDefinition, timeout } = configOf(context);
  if (deps.physicalId === "taskArn") await tagPhysicalId(context, taskArns);
  const startedAt = deps.clock.now();
  const changes: Partial<TaskWork> = { taskArns, startedAt, intendedAt: undefined };
  const { receivedAt } = work;
  const run = { taskDefinition, taskDefinitionArn, requestId: request.RequestId, taskArns, startedAt, receivedAt };
  if (!(await rememberRun(deps, id, run))) return fail(context, DELETED, { changes });
  if (timeout > 0) return { kind: "wait", changes: { ...changes, phase: "wait" }, afterMs: FIRST_LOOK_MS };
  const text = `${toCountText(taskArns.length)} started and not waited for, since Timeout is 0.`;
  return finish(context, { status: "SUCCESS", code: "RUN", text, why: "RUN" }, changes);
}

/** A later Delete of this physical id stops these tasks and no others. */
async function tagPhysicalId({ ecs, signal }: TurnContext, taskArns: readonly string[]): Promise<void> {
  const tags = [{ key: TASK_TAGS.physicalId, value: taskArns[0] ?? "" }];
  for (const resourceArn of taskArns) {
    await ecs.ecs.send(new TagResourceCommand({ resourceArn, tags }), { abortSignal: signal });
  }
}

function toNextTry(context: TurnContext, result: StartResult & { readonly kind: "retry" }): Turn {
  const { work, deps } = context;
  const { taskArns, code, message } = result;
  const { placementTimeout, pollInterval, ...config } = configOf(context);
  const now = deps.clock.now();
  const until = Math.min((work.placingSince ?? now) + placementTimeout * 1_000, toDeadline(config, work));
  // A refused call may have been carried out at an earlier try of the SDK: the same one tells when it is sent again.
  const changes = result.isSameTry ? { taskArns } : { taskArns, intendedAt: undefined };
  if (now >= until) return fail(context, { code, text: message }, { changes });
  const afterMs = Math.min(pollInterval * 1_000, until - now);
  const attempt = result.isSameTry ? work.attempt : work.attempt + 1;
  return { kind: "wait", changes: { ...changes, attempt }, afterMs };
}

function toStartFailure(context: TurnContext, result: StartResult & { readonly kind: "failed" }): Turn {
  const { taskArns, code, message, retryable } = result;
  // It may have started tasks or not: the same try is repeated.
  if (retryable) return meetTrouble(context, { code, message, retryable });
  return fail(context, { code, text: message }, { changes: { taskArns, intendedAt: undefined } });
}

/** `1 task was`, `3 tasks were`. */
export function toCountText(count: number): string {
  return count === 1 ? "1 task was" : `${count} tasks were`;
}
