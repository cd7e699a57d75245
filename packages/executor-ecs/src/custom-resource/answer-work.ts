import { type Invocation, sendResponse } from "@stackyard/aws/custom-resource";
import { silentLogger } from "@stackyard/core";
import { mayRun } from "../task-run.ts";
import { type ExecutionInput, findExecution, openRequest, toExecutionArn } from "./execution.ts";
import { toResourceId } from "./identity.ts";
import type { HeldRequest, WorkProgress } from "./progress.ts";
import { findLastRun, findRunToStop } from "./resource-record.ts";
import type { CustomResourceResponse } from "./response.ts";
import { judgeEnded, stopAll } from "./stop-work.ts";
import { createTurnContext, type EcsTaskApp, type StepResult } from "./take-step.ts";
import { formatError, type TurnContext, toEnd } from "./turn.ts";

/** Sends a response. CloudFormation uses the first one of a request. */
export async function sendAnswer(
  { deps }: EcsTaskApp,
  { request }: Pick<HeldRequest, "request">,
  response: CustomResourceResponse,
): Promise<void> {
  const { logger = silentLogger } = deps;
  await sendResponse({ ...deps, logger }, request.ResponseURL, response);
  logger.info("CloudFormation has received the response.", {
    requestId: request.RequestId,
    status: response.Status,
    reason: response.Reason,
  });
}

/** Ends a request whose steps have failed: stops its tasks as well as it goes, because an answer is more urgent. */
export async function giveUp(app: EcsTaskApp, held: HeldRequest, options: GiveUpOptions): Promise<StepResult> {
  const { progress } = held;
  const response = progress.response ?? (await abandon(createTurnContext(app, held, options.signal), options.cause));
  return { progress: { ...progress, response }, next: "answer", waitSeconds: 1 };
}

/** Why a request is given up. */
interface GiveUpOptions {
  readonly cause: string | undefined;
  readonly signal: AbortSignal;
}

async function abandon(context: TurnContext, cause: string | undefined): Promise<CustomResourceResponse> {
  const { work, logger, id } = context;
  const { ending, request } = work;
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

/** What has changed by the stop of tasks, and why some may still run. */
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

/** Answers with the response of the state; without one, the request has failed. */
export async function answerHeld(app: EcsTaskApp, held: HeldRequest, options: GiveUpOptions): Promise<Answered> {
  const { progress } = await giveUp(app, held, options);
  if (progress.response !== undefined) await sendAnswer(app, held, progress.response);
  return { answered: progress.response !== undefined };
}

interface Answered {
  readonly answered: boolean;
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
  const input = given ?? (await findExecution(deps, executionArn, signal))?.input;
  if (input === undefined) {
    deps.logger?.error("The request of the execution is unknown, so no response can be sent.", { executionArn });
    return { answered: false };
  }
  const held = openRequest(await app.cipher(), input);
  const progress = await withStarted(app, held);
  return answerHeld(app, { ...held, progress }, { cause, signal });
}

/** Adds what the request may have started: ListTasks does not show tasks of the last minute, the record of the run does. */
async function withStarted({ deps }: EcsTaskApp, { request, receivedAt, progress }: HeldRequest) {
  if (request.RequestType === "Delete") return progress;
  const run = await findRunToStop(deps, toResourceId(request)).catch(() => undefined);
  const taskArns = run?.requestId === request.RequestId ? run.taskArns : progress.taskArns;
  return { ...progress, taskArns, intendedAt: receivedAt };
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
  const held = openRequest(await app.cipher(), execution.input);
  const { startedAt, taskDefinitionArn } = run;
  const progress = {
    ...held.progress,
    phase: "wait",
    taskArns: run.taskArns,
    startedAt,
    taskDefinitionArn,
  } as const;
  const turn = await judgeEnded(createTurnContext(app, { ...held, progress }, signal));
  const response = turn?.changes.response;
  if (response !== undefined) await sendAnswer(app, held, response);
  return { answered: response !== undefined };
}
