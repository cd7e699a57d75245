import { type LambdaContext, toAnswer } from "@stackyard/aws";
import { type CustomResourceRequest, NEVER_MADE, sendResponse, serveRequest } from "@stackyard/aws/custom-resource";
import { defined, isStackyardError, type Logger, retry, StackyardError, silentLogger, within } from "@stackyard/core";
import { sendAnswer } from "./answer-work.ts";
import { decideRequest, findCluster } from "./decide-request.ts";
import { createTurnContext, type EcsTaskApp } from "./ecs-task-app.ts";
import {
  type ExecutionInput,
  findExecution,
  MAX_INPUT_BYTES,
  sealRequest,
  startExecution,
  toExecutionArn,
} from "./execution.ts";
import { parseProperties, pickProperties } from "./parse-properties.ts";
import { toNewWork } from "./progress.ts";
import { closeRequest } from "./resource-record.ts";
import type { CustomResourceResponse } from "./response.ts";
import { takeStep } from "./take-step.ts";
import { formatError, toCause } from "./trouble.ts";
import { type TurnContext, toEnd } from "./turn.ts";

/**
 * Receives a request of CloudFormation: takes the first step, which starts nothing, and answers if that was the end of it.
 * Else an execution holds the request from then on. On any error the request is answered here, unless an execution holds
 * it. Throws `EVENT_INVALID` for requests that cannot be answered.
 */
export function receiveRequest(app: EcsTaskApp, event: unknown, context: LambdaContext | undefined): Promise<void> {
  const { deps } = app;
  const { logger = silentLogger } = deps;
  const receivedAt = deps.clock.now();
  const open = (request: CustomResourceRequest, signal: AbortSignal) =>
    createTurnContext(app, toNewWork(toHeld(request), receivedAt), signal);
  return serveRequest(
    { ...deps, logger },
    { event, context },
    {
      work(request, { signal }) {
        logWarnings(request, logger);
        return begin(app, open(request, signal));
      },
      meetFault: (request, error) => meetFault(open(request, AbortSignal.timeout(HELD_WITHIN_MS)), error),
    },
  );
}

/** Removes unused properties, so that the request fits into an input. A Delete needs only the cluster. */
function toHeld(request: CustomResourceRequest): CustomResourceRequest {
  const { RequestType, ResourceProperties, OldResourceProperties } = request;
  if (RequestType === "Delete") return { ...request, ResourceProperties: { Cluster: findCluster(ResourceProperties) } };
  return {
    ...request,
    ResourceProperties: pickProperties(ResourceProperties),
    ...defined({ OldResourceProperties: OldResourceProperties && pickProperties(OldResourceProperties) }),
  };
}

function logWarnings({ RequestType, RequestId, ResourceProperties }: CustomResourceRequest, logger: Logger): void {
  const parsed = RequestType === "Delete" ? undefined : parseProperties(ResourceProperties);
  const warnings = parsed?.kind === "config" ? parsed.warnings : [];
  for (const warning of warnings) logger.warn(warning, { requestId: RequestId });
}

async function begin(app: EcsTaskApp, context: TurnContext): Promise<void> {
  const cipher = await app.cipher();
  const { progress } = await takeStep(context);
  const work = { ...context.work, ...progress };
  const input = sealRequest(cipher, work);
  const response = progress.response ?? refuseLarge(context, input);
  if (response === undefined) return handOver(context, input);
  if (await isHeld(context)) return;
  try {
    await sendAnswer(context, response);
  } catch (error) {
    if (!isStackyardError(error, "UNREACHABLE")) throw error;
    // CloudFormation does not accept the response now: an execution continues with it.
    await handOver(context, sealRequest(cipher, { ...work, response }));
  }
}

function refuseLarge(context: TurnContext, input: ExecutionInput): CustomResourceResponse | undefined {
  const bytes = Buffer.byteLength(JSON.stringify(input));
  if (bytes <= MAX_INPUT_BYTES) return undefined;
  const text = `ResourceProperties have ${bytes} bytes when they are encrypted; ${MAX_INPUT_BYTES} are allowed.`;
  return toEnd(context, { status: "FAILED", code: "ECS_PROPERTIES_INVALID", text });
}

/** Pauses between tries to start the execution: a short outage must not fail a stack. */
const PAUSES_MS = [500, 2_000, 5_000];

function handOver({ deps, logger, signal }: TurnContext, input: ExecutionInput): Promise<void> {
  return retry(() => startExecution(deps, input, signal), {
    tries: PAUSES_MS.length + 1,
    isRetryable: (error) => toAnswer(error) === "passing",
    pause(failed, error) {
      logger.warn("Starting the execution again.", { requestId: input.requestId, error: formatError(error) });
      return deps.clock.sleep(PAUSES_MS[failed - 1] ?? 0);
    },
  });
}

/** Returns true if an execution may hold the request. What depends on the request alone is the same each time. */
function mayBeHeld({ deps, work: { request } }: TurnContext): boolean {
  return deps.stateMachineArn !== "" && !["fail", "none"].includes(decideRequest(request).kind);
}

/**
 * Returns true if the request has come before and an execution holds it: then only that answers, because facts may have
 * changed by its work.
 */
async function isHeld(context: TurnContext): Promise<boolean> {
  const { deps, logger, signal, work } = context;
  const { RequestId: requestId } = work.request;
  if (!mayBeHeld(context)) return false;
  try {
    return (await findExecution(deps, toExecutionArn(deps.stateMachineArn, requestId), signal)) !== undefined;
  } catch (error) {
    logger.warn("Whether an execution holds the request is unknown.", { requestId, error: formatError(error) });
    return false;
  }
}

/** The time to look for an execution, and again to keep an unknown one from starting tasks. */
const HELD_WITHIN_MS = 5_000;

/** Answers a fault, even if nothing else works. An execution that was started nevertheless continues alone. */
async function meetFault(context: TurnContext, error: unknown): Promise<void> {
  const { deps, logger, work } = context;
  const { request } = work;
  const fields = { requestId: request.RequestId, error: formatError(error) };
  const isSeen = await within(isHeld(context), { clock: deps.clock, ms: HELD_WITHIN_MS, late: () => false });
  const claim = isSeen ? "execution" : await claimAnswer(context);
  if (claim === "execution") return logger.warn("The execution continues the work.", fields);
  logger.error("The request failed.", fields);
  const action = decideRequest(request);
  const told = action.kind === "fail" ? { code: action.code, text: action.reason } : toTold(error);
  const ended = toEnd(context, { status: "FAILED", ...told, text: `${told.text}${UNKNOWN_TEXTS[claim]}` });
  // Nothing can have been made with a broken configuration, and its deletion must not fail.
  const isNever = told.code === "CONFIG_INVALID" && request.PhysicalResourceId === undefined;
  const id = `${NEVER_MADE}${request.LogicalResourceId}`;
  const response = isNever ? { ...ended, PhysicalResourceId: id } : ended;
  await sendResponse({ ...deps, logger }, request.ResponseURL, response);
}

/** Who answers: this invocation, which has made sure that no task is started any more, or an execution. */
type Claim = "ours" | "unknown" | "execution";

const UNKNOWN_TEXTS = { ours: "", unknown: " An execution may hold the request, so that tasks may still run." };

/**
 * Claims the answer. An acknowledgement of StartExecution may have been lost, and DescribeExecution is "eventually
 * consistent" (API reference): so the record of the resource decides, which an execution must pass to start tasks.
 */
async function claimAnswer(context: TurnContext): Promise<Claim> {
  const { deps, id, logger, work } = context;
  const { RequestId: requestId, RequestType } = work.request;
  // The execution of a Delete starts nothing.
  if (RequestType === "Delete" || !mayBeHeld(context)) return "ours";
  const claimed = closeRequest(deps, id, { requestId, receivedAt: work.receivedAt });
  try {
    const late = () => Promise.reject(new StackyardError("TIMED_OUT", "The records did not answer."));
    return (await within(claimed, { clock: deps.clock, ms: HELD_WITHIN_MS, late })) ? "ours" : "execution";
  } catch (error) {
    logger.error("An execution may still start tasks.", { requestId, error: formatError(error) });
    return "unknown";
  }
}

/** Returns code and text of an error. Our own errors are sentences for people. */
function toTold(error: unknown): { readonly code: string; readonly text: string } {
  if (!isStackyardError(error)) return { code: "ECS_AWS_ERROR", text: formatError(error) };
  return { code: error.code === "CONFIG_INVALID" ? error.code : "ECS_AWS_ERROR", text: toCause(error.message) };
}
