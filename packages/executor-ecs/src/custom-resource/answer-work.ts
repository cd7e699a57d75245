import { lookUntilComplete } from "@stackyard/aws";
import { type Invocation, sendResponse } from "@stackyard/aws/custom-resource";
import { mayRun } from "../task-run.ts";
import { createTurnContext, type EcsTaskApp } from "./ecs-task-app.ts";
import { stopAll } from "./end-work.ts";
import { type ExecutionInput, findExecution, openRequest, toExecutionArn } from "./execution.ts";
import { toResourceId } from "./identity.ts";
import type { TaskWork, WorkProgress } from "./progress.ts";
import { recordRequest } from "./record-request.ts";
import { findLastRun, findRunToStop } from "./resource-record.ts";
import type { CustomResourceResponse } from "./response.ts";
import { formatError } from "./trouble.ts";
import { type TurnContext, toEnd } from "./turn.ts";
import { decideEnded } from "./watch-work.ts";

/** The result of answering: a response was sent, or not. */
interface Answered {
  readonly answered: boolean;
}

/** Sends a response. CloudFormation uses the first one of a request. */
export async function sendAnswer(
  { deps, logger, work }: TurnContext,
  response: CustomResourceResponse,
): Promise<Answered> {
  const { request } = work;
  await sendResponse({ ...deps, logger }, request.ResponseURL, response);
  logger.info("CloudFormation has received the response.", {
    requestId: request.RequestId,
    status: response.Status,
    reason: response.Reason,
  });
  await recordRequest(deps, work, response);
  return { answered: true };
}

/**
 * Returns the response of a request without further steps: that of its state. Without one the steps have failed, for this
 * cause: stops the tasks as well as it goes, because an answer is more urgent.
 */
export async function giveUp(context: TurnContext, cause: string | undefined): Promise<CustomResourceResponse> {
  const { work, logger, id } = context;
  const { ending, request, response } = work;
  if (response !== undefined) return response;
  const isRun = request.RequestType !== "Delete" && mayRun(work);
  const { fault, changes = {} } = isRun ? await stopAsFarAsPossible(context) : {};
  const text =
    ending?.message ?? `The work was abandoned: ${(cause ?? "its execution ended before").replace(/\.$/, "")}.`;
  const end = {
    status: "FAILED",
    code: ending?.code ?? "ECS_AWS_ERROR",
    why: isRun ? "RUN" : "",
    text: fault === undefined ? text : `${text} Tasks may still run: ${fault}.`,
  } as const;
  logger.error("The work was abandoned.", { requestId: request.RequestId, cause: end.text, id });
  return toEnd({ ...context, work: { ...work, ...changes } }, end);
}

/** The result of stopping tasks: what has changed, and why some may still run. */
interface Stopped {
  readonly changes?: Partial<WorkProgress>;
  readonly fault?: string;
}

/** Stops tasks, including unrecorded ones: the reader of the response must know that they ran. */
async function stopAsFarAsPossible(context: TurnContext): Promise<Stopped> {
  try {
    const { changes } = await stopAll(context);
    return { changes };
  } catch (error) {
    return { fault: formatError(error) };
  }
}

/** An execution that has ended badly. Large events are without its input. */
export interface EndedExecution {
  readonly executionArn: string;
  readonly input: ExecutionInput | undefined;
  readonly cause: string;
}

/** Answers for an execution that has ended badly. Its state is lost, so its tasks are looked for. */
export async function answerEnded(
  app: EcsTaskApp,
  { executionArn, input: given, cause }: EndedExecution,
  { signal }: Invocation,
): Promise<Answered> {
  const { deps } = app;
  // It has existed, so an answer without it is a late one.
  const look = () => findExecution(deps, executionArn, signal);
  const input = given ?? (await lookUntilComplete({ ...deps, signal }, look, (found) => found !== undefined))?.input;
  if (input === undefined) {
    deps.logger?.error("The request of the execution is unknown, so no response can be sent.", { executionArn });
    return { answered: false };
  }
  const work = await withStarted(app, openRequest(await app.cipher(), input));
  const context = createTurnContext(app, work, signal);
  return sendAnswer(context, await giveUp(context, cause));
}

/** Adds what the request may have started: ListTasks does not show tasks of the last minute, the record of the run does. */
async function withStarted({ deps }: EcsTaskApp, work: TaskWork): Promise<TaskWork> {
  const { request, receivedAt: intendedAt } = work;
  if (request.RequestType === "Delete") return work;
  const run = await findRunToStop(deps, toResourceId(request)).catch(() => undefined);
  return { ...work, intendedAt, ...(run?.requestId === request.RequestId && { taskArns: run.taskArns }) };
}

/**
 * Answers as soon as the last task of a run has stopped. The execution may find the same a moment later: CloudFormation
 * uses the first answer.
 */
export async function answerStopped(app: EcsTaskApp, resourceId: string, { signal }: Invocation): Promise<Answered> {
  const { deps } = app;
  const run = await findLastRun(deps, resourceId);
  if (run === undefined) return { answered: false };
  const execution = await findExecution(deps, toExecutionArn(deps.stateMachineArn, run.requestId), signal);
  if (execution?.isRunning !== true || execution.input === undefined) return { answered: false };
  const { taskArns, startedAt, taskDefinitionArn } = run;
  const work = openRequest(await app.cipher(), execution.input);
  const context = createTurnContext(app, { ...work, phase: "wait", taskArns, startedAt, taskDefinitionArn }, signal);
  const response = (await decideEnded(context))?.changes.response;
  return response === undefined ? { answered: false } : sendAnswer(context, response);
}
