import { type CustomResourceRequest, isResponseUrl, parseRequest, sendResponse } from "@stackyard/aws/custom-resource";
import { isStackyardError, type Logger, StackyardError, silentLogger } from "@stackyard/core";
import { release } from "./advance-work.ts";
import { toCause } from "./answer-work.ts";
import { decideRequest, findCluster } from "./decide-request.ts";
import type { EcsTaskApp } from "./ecs-task-app.ts";
import { toEnd } from "./finish-work.ts";
import { toResourceId } from "./identity.ts";
import type { Invocation } from "./invocation.ts";
import { parseProperties, pickProperties } from "./parse-properties.ts";
import { sendAnswer } from "./send-answer.ts";
import { takeTurns } from "./take-turns.ts";
import { toNewWork } from "./task-work.ts";
import { createTurnContext, startExecution } from "./turn-context.ts";
import type { ClaimedWork } from "./work-store.ts";

/** What is left for a request that must be answered without records. */
interface Reception {
  readonly app: EcsTaskApp;
  readonly request: CustomResourceRequest;
  readonly invocation: Invocation;
  readonly logger: Logger;
  readonly owner: string;
  claimed?: ClaimedWork;
}

/** Before a repeat of what a store could not serve: a stack must not fail for a second without it. */
const PAUSES_MS = [500, 2_000, 5_000];
const NOTED_WITHIN_MS = 5_000;

/**
 * Takes a request of CloudFormation: notes it, begins the work, and answers what is done at once. Whatever goes wrong, the
 * request is answered here, unless an execution goes on with it. Throws `EVENT_INVALID` for what cannot be answered.
 */
export async function receiveRequest(app: EcsTaskApp, event: unknown, invocation: Invocation): Promise<void> {
  const request = parseRequest(event);
  if (request === undefined || !isResponseUrl(request.ResponseURL)) {
    const why =
      request === undefined ? "an id or ResponseURL is missing" : "ResponseURL is no address of S3 over https";
    throw new StackyardError("EVENT_INVALID", `ECS_REQUEST_INVALID: the request cannot be answered, since ${why}.`);
  }
  const reception: Reception = {
    app,
    request,
    invocation,
    logger: app.deps.logger ?? silentLogger,
    owner: app.newOwner(),
  };
  try {
    await invocation.run(insist(reception));
  } catch (error) {
    await meetFault(reception, error);
  }
}

async function insist(reception: Reception): Promise<void> {
  const { app, logger, request } = reception;
  for (let tries = 0; ; tries += 1) {
    try {
      return await begin(reception);
    } catch (error) {
      const pauseMs = PAUSES_MS[tries];
      if (pauseMs === undefined || !isPassing(error)) throw error;
      logger.warn("The request is begun once more.", { requestId: request.RequestId, error: toCause(error) });
      await app.deps.clock.sleep(pauseMs);
    }
  }
}

/** A refused note tells that another invocation has the work, and an answer that could not be sent was tried often. */
function isPassing(error: unknown): boolean {
  return isStackyardError(error) && error.retryable && !["RECORD_CONFLICT", "UNREACHABLE"].includes(error.code);
}

async function begin(reception: Reception): Promise<void> {
  const { app, request, invocation, logger, owner } = reception;
  const { deps, definitions } = app;
  const store = await app.store();
  if (await store.add(toRemembered(request))) tellWarnings(request, logger);
  const result = await store.claim(request.RequestId, owner, invocation.ttlMs);
  if (result.kind === "none") throw new Error("The request was noted and cannot be found.");
  if (result.kind === "held") {
    // A repeat, or what another invocation has left behind: an execution finds out.
    return startExecution(deps, request.RequestId, invocation.signal);
  }
  reception.claimed = result.claimed;
  try {
    const context = createTurnContext({ deps, definitions, claimed: result.claimed, signal: invocation.signal });
    const end = await takeTurns(context);
    if (end.kind === "wait") await context.handOver();
    else await sendAnswer(deps, result.claimed);
  } finally {
    await release(result.claimed);
  }
}

/** What is not read need not fit into a record. A Delete reads the cluster alone. */
function toRemembered(request: CustomResourceRequest): CustomResourceRequest {
  const { RequestType, ResourceProperties, OldResourceProperties } = request;
  if (RequestType === "Delete") return { ...request, ResourceProperties: { Cluster: findCluster(ResourceProperties) } };
  return {
    ...request,
    ResourceProperties: pickProperties(ResourceProperties),
    ...(OldResourceProperties === undefined ? {} : { OldResourceProperties: pickProperties(OldResourceProperties) }),
  };
}

function tellWarnings(request: CustomResourceRequest, logger: Logger): void {
  if (request.RequestType === "Delete") return;
  const parsed = parseProperties(request.ResourceProperties);
  const warnings = parsed.kind === "config" ? parsed.warnings : [];
  for (const warning of warnings) logger.warn(warning, { requestId: request.RequestId });
}

async function meetFault(reception: Reception, error: unknown): Promise<void> {
  const { claimed, request, logger } = reception;
  const { requestId, ...fields } = { requestId: request.RequestId, error: toCause(error) };
  // Whoever has the work now goes on with it.
  if (isStackyardError(error, "RECORD_CONFLICT")) return;
  if (claimed?.work.handedOver === true) {
    logger.warn("The work goes on in its execution.", { requestId, ...fields });
    return;
  }
  if (claimed?.work.response !== undefined) return leaveAnswer(reception, claimed);
  logger.error("The request failed.", { requestId, ...fields });
  await answerFault(reception, error);
}

/** The answer is noted and could not be sent: an execution tries again. */
async function leaveAnswer({ app, request }: Reception, claimed: ClaimedWork): Promise<void> {
  if (claimed.work.phase === "done") return;
  await startExecution(app.deps, request.RequestId, AbortSignal.timeout(10_000));
}

/** Nothing has been started. The answer is sent also where it cannot be noted. */
async function answerFault({ app, request, claimed, logger }: Reception, error: unknown): Promise<void> {
  const { deps } = app;
  const work = claimed?.work ?? toNewWork(request, deps.clock.now());
  const action = decideRequest(request);
  const told =
    action.kind === "fail"
      ? { code: action.code, text: action.reason }
      : { code: "ECS_AWS_ERROR", text: toCause(error) };
  const end = { status: "FAILED", ...told } as const;
  const response = toEnd({ work, id: toResourceId(request), config: undefined, deps }, end);
  const noted = claimed?.save({ phase: "answer", response }).catch(() => undefined);
  await sendResponse({ ...deps, logger }, request.ResponseURL, response);
  // A table that does not answer must not hold the function until its end.
  const known = await Promise.race([noted, deps.clock.sleep(NOTED_WITHIN_MS).then(() => undefined)]);
  if (known !== undefined) await claimed?.save({ phase: "done" }).catch(() => undefined);
}
