import { findAwsFault, type LambdaContext, redactText } from "@stackyard/aws";
import {
  type CustomResourceRequest,
  type Invocation,
  NEVER_MADE,
  sendResponse,
  serveRequest,
} from "@stackyard/aws/custom-resource";
import { defined, isStackyardError, type Logger, retry, silentLogger, within } from "@stackyard/core";
import { sendAnswer } from "./answer-work.ts";
import { decideRequest, findCluster } from "./decide-request.ts";
import {
  type ExecutionInput,
  findExecution,
  MAX_INPUT_BYTES,
  sealRequest,
  startExecution,
  toExecutionArn,
} from "./execution.ts";
import { parseProperties, pickProperties } from "./parse-properties.ts";
import { type HeldRequest, toHeldRequest } from "./progress.ts";
import type { CustomResourceResponse } from "./response.ts";
import { createTurnContext, type EcsTaskApp, takeStep } from "./take-step.ts";
import { formatError, toEnd } from "./turn.ts";

/** One delivery of a request. */
interface Reception {
  readonly app: EcsTaskApp;
  readonly held: HeldRequest;
  readonly invocation: Invocation;
  readonly logger: Logger;
}

/**
 * Receives a request of CloudFormation: takes the first step, which starts nothing, and answers if that was the end of it.
 * Else an execution holds the request from then on. On any error the request is answered here, unless an execution holds
 * it. Throws `EVENT_INVALID` for requests that cannot be answered.
 */
export function receiveRequest(app: EcsTaskApp, event: unknown, context: LambdaContext | undefined): Promise<void> {
  const { deps } = app;
  const logger = deps.logger ?? silentLogger;
  const receivedAt = deps.clock.now();
  const toReception = (request: CustomResourceRequest) => toHeldRequest(toHeld(request), receivedAt);
  return serveRequest(
    { ...deps, logger },
    { event, context },
    {
      work: (request, invocation) => begin({ app, held: toReception(request), invocation, logger }),
      meetFault: (request, error) => meetFault({ app, held: toReception(request), logger }, error),
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

async function begin(reception: Reception): Promise<void> {
  const { app, held, invocation } = reception;
  const cipher = await app.cipher();
  const context = createTurnContext(app, held, invocation.signal);
  const { progress } = await takeStep(context);
  if (progress.response !== undefined) {
    if (await isHeld(reception, invocation.signal)) return;
    return answerAtOnce(reception, progress.response);
  }
  logWarnings(reception);
  const input = sealRequest(cipher, { ...held, progress });
  const bytes = Buffer.byteLength(JSON.stringify(input));
  if (bytes <= MAX_INPUT_BYTES) return handOver(reception, input);
  const text = `ResourceProperties have ${bytes} bytes when they are encrypted; ${MAX_INPUT_BYTES} are allowed.`;
  return answerAtOnce(reception, toEnd(context, { status: "FAILED", code: "ECS_PROPERTIES_INVALID", text }));
}

function logWarnings({ held: { request }, logger }: Reception): void {
  const parsed = request.RequestType === "Delete" ? undefined : parseProperties(request.ResourceProperties);
  const warnings = parsed?.kind === "config" ? parsed.warnings : [];
  for (const warning of warnings) logger.warn(warning, { requestId: request.RequestId });
}

/** Pauses between tries to start the execution: a short outage must not fail a stack. */
const PAUSES_MS = [500, 2_000, 5_000];

function handOver({ app: { deps }, invocation, logger }: Reception, input: ExecutionInput): Promise<void> {
  return retry(() => startExecution(deps, input, invocation.signal), {
    tries: PAUSES_MS.length + 1,
    isRetryable: (error) => findAwsFault(error).kind === "retryable",
    pause(failed, error) {
      logger.warn("Starting the execution again.", { requestId: input.requestId, error: formatError(error) });
      return deps.clock.sleep(PAUSES_MS[failed - 1] ?? 0);
    },
  });
}

/** Sends the response; an execution goes on with a response that CloudFormation does not accept now. */
async function answerAtOnce(reception: Reception, response: CustomResourceResponse): Promise<void> {
  const { app, held } = reception;
  try {
    await sendAnswer(app, held, response);
  } catch (error) {
    if (!isStackyardError(error, "UNREACHABLE")) throw error;
    const progress = { ...held.progress, response };
    await handOver(reception, sealRequest(await app.cipher(), { ...held, progress }));
  }
}

/**
 * Returns true if the request has come before and an execution holds it: then only that answers, because facts may have
 * changed by its work. What depends on the request alone is the same each time.
 */
async function isHeld({ app, held, logger }: Omit<Reception, "invocation">, signal: AbortSignal): Promise<boolean> {
  const { stateMachineArn } = app.deps;
  const { request } = held;
  if (stateMachineArn === "" || ["fail", "none"].includes(decideRequest(request).kind)) return false;
  const arn = toExecutionArn(stateMachineArn, request.RequestId);
  try {
    return (await findExecution(app.deps, arn, signal)) !== undefined;
  } catch (error) {
    logger.warn("Whether an execution holds the request is unknown.", {
      requestId: request.RequestId,
      error: formatError(error),
    });
    return false;
  }
}

const HELD_WITHIN_MS = 5_000;

/** Answers a fault, even if nothing else works. An execution that was started nevertheless goes on alone. */
async function meetFault(reception: Omit<Reception, "invocation">, error: unknown): Promise<void> {
  const { app, held, logger } = reception;
  const { deps } = app;
  const { request } = held;
  const fields = { requestId: request.RequestId, error: formatError(error) };
  const looked = isHeld(reception, AbortSignal.timeout(HELD_WITHIN_MS));
  if (await within(looked, { clock: deps.clock, ms: HELD_WITHIN_MS, late: () => false })) {
    return logger.warn("The execution continues the work.", fields);
  }
  logger.error("The request failed.", fields);
  const action = decideRequest(request);
  const told = action.kind === "fail" ? { code: action.code, text: action.reason } : toTold(error);
  const context = createTurnContext(app, held, AbortSignal.timeout(HELD_WITHIN_MS));
  const ended = toEnd(context, { status: "FAILED", ...told });
  // Nothing can have been made with a broken configuration, and its deletion must not fail.
  const isNever = told.code === "CONFIG_INVALID" && request.PhysicalResourceId === undefined;
  const id = `${NEVER_MADE}${request.LogicalResourceId}`;
  const response = isNever ? { ...ended, PhysicalResourceId: id } : ended;
  await sendResponse({ ...deps, logger }, request.ResponseURL, response);
}

const MAX_CAUSE = 1_000;

/** Returns code and text of an error. Our own errors are sentences for people. */
function toTold(error: unknown): { readonly code: string; readonly text: string } {
  if (!isStackyardError(error)) return { code: "ECS_AWS_ERROR", text: formatError(error) };
  const text = redactText(error.message).slice(0, MAX_CAUSE);
  return { code: error.code === "CONFIG_INVALID" ? error.code : "ECS_AWS_ERROR", text };
}
