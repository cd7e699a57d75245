import { type LambdaContext, redactText } from "@stackyard/aws";
import {
  type CustomResourceRequest,
  createInvocation,
  type Invocation,
  isCloudFormationEvent,
  NEVER_MADE,
  sendResponse,
  serveRequest,
} from "@stackyard/aws/custom-resource";
import {
  defined,
  isMap,
  isStackyardError,
  type Logger,
  parseJson,
  retry,
  StackyardError,
  silentLogger,
  within,
} from "@stackyard/core";
import { mayRun } from "../task-run.ts";
import {
  advanceWork,
  createEcsTaskApp,
  createTurnContext,
  type EcsTaskApp,
  release,
  sendAnswer,
  startExecution,
  takeTurns,
} from "./advance-work.ts";
import { decideRequest, findCluster } from "./decide-request.ts";
import { parseProperties, pickProperties } from "./parse-properties.ts";
import { stopAll } from "./stop-work.ts";
import { type EcsTaskDeps, findRememberedRun, type TurnContext, toEnd, type WorkEnd } from "./turn.ts";
import { type ClaimedWork, type TaskWork, toNewWork, toResourceId } from "./work-store.ts";

/** The function behind resources of the type `Custom::ECSTask`. */
export interface EcsTaskFunction {
  /**
   * Handles requests of CloudFormation, the states of the machine (`{ op, requestId }`), and events of EventBridge:
   * failed executions, and stopped tasks. Rejects with `EVENT_INVALID` for everything else.
   */
  readonly handler: (event: unknown, context?: LambdaContext) => Promise<unknown>;
}

/** Creates the function. Calls nothing before the first event. */
export function createEcsTask(deps: EcsTaskDeps): EcsTaskFunction {
  const app = createEcsTaskApp(deps);
  return {
    async handler(event, context) {
      if (isCloudFormationEvent(event)) return receiveRequest(app, event, context);
      const invocation = createInvocation(deps.clock, context);
      const call = parseCall(event, deps.stateMachineArn);
      if (call !== undefined) return invocation.run(() => answerCall(app, call, invocation));
      throw new StackyardError(
        "EVENT_INVALID",
        "Unsupported event: not a CloudFormation request and not a step of its execution.",
      );
    },
  };
}

async function answerCall(app: EcsTaskApp, call: FunctionCall, invocation: Invocation): Promise<unknown> {
  switch (call.kind) {
    case "step":
      return advanceWork(app, call.requestId, { invocation, sends: false });
    case "answer":
      return answerWork(app, call.requestId, { invocation, cause: call.cause });
    case "task-stopped": {
      const run = await findRememberedRun(app.deps, call.resourceId);
      if (run === undefined) return { done: true, waitSeconds: 1 };
      return advanceWork(app, run.requestId, { invocation, sends: true });
    }
  }
}

/** The other callers of the function. */
type FunctionCall =
  /** A state of the machine. */
  | { readonly kind: "step"; readonly requestId: string }
  /** The last state of the machine, or EventBridge after an execution that ended badly. */
  | { readonly kind: "answer"; readonly requestId: string; readonly cause?: string | undefined }
  /** A task of this resource has ended. */
  | { readonly kind: "task-stopped"; readonly resourceId: string };

const EXECUTION_EVENT = "Step Functions Execution Status Change";
const ENDED_BADLY = ["FAILED", "TIMED_OUT", "ABORTED"];
const TASK_EVENT = "ECS Task State Change";

/** Parses a call. Undefined: not one of ours, or without effect. */
export function parseCall(event: unknown, stateMachineArn: string): FunctionCall | undefined {
  if (!isMap(event)) return undefined;
  const detail = isMap(event["detail"]) ? event["detail"] : {};
  if (event["detail-type"] === EXECUTION_EVENT) return parseExecution(detail, stateMachineArn);
  if (event["detail-type"] === TASK_EVENT) return parseTask(detail);
  const { op, requestId, state } = event;
  if (typeof requestId !== "string" || requestId === "") return undefined;
  if (op === "step") return { kind: "step", requestId };
  const error = isMap(state) ? state["error"] : undefined;
  return op === "answer" ? { kind: "answer", requestId, cause: toErrorText(error) } : undefined;
}

function parseExecution(detail: Readonly<Record<string, unknown>>, stateMachineArn: string): FunctionCall | undefined {
  const { status, name, input } = detail;
  if (detail["stateMachineArn"] !== stateMachineArn || typeof status !== "string") return undefined;
  if (!ENDED_BADLY.includes(status)) return undefined;
  // Large events have no input; the execution's name is then the request's id or its replacement.
  const requestId = findRequestId(input) ?? name;
  if (typeof requestId !== "string" || requestId === "") return undefined;
  return { kind: "answer", requestId, cause: `the execution ended as ${status}` };
}

function findRequestId(input: unknown): string | undefined {
  const parsed = parseJson(String(input));
  const requestId = isMap(parsed) ? parsed["requestId"] : undefined;
  return typeof requestId === "string" ? requestId : undefined;
}

function parseTask({ startedBy, lastStatus }: Readonly<Record<string, unknown>>): FunctionCall | undefined {
  if (lastStatus !== "STOPPED" || typeof startedBy !== "string" || !/^[0-9a-f]{32}$/.test(startedBy)) return undefined;
  return { kind: "task-stopped", resourceId: startedBy };
}

/** Formats the error that Catch passes: `Error` is a name, `Cause` the function's error as JSON, or text. */
function toErrorText(error: unknown): string | undefined {
  if (!isMap(error)) return undefined;
  const { Error: name = "an error", Cause: cause = "" } = error;
  return `${String(name)}: ${findMessage(String(cause))}`.slice(0, 1_000);
}

function findMessage(cause: string): string {
  const parsed = parseJson(cause);
  return isMap(parsed) && typeof parsed["errorMessage"] === "string" ? parsed["errorMessage"] : cause;
}

/** The context for a request that must be answered without records. */
interface Reception {
  readonly app: EcsTaskApp;
  readonly request: CustomResourceRequest;
  readonly invocation: Invocation;
  readonly logger: Logger;
  readonly owner: string;
  claimed?: ClaimedWork;
}

/** Pauses between retries of the store: a short outage must not fail a stack. */
const PAUSES_MS = [500, 2_000, 5_000];
const NOTED_WITHIN_MS = 5_000;

/**
 * Receives a request of CloudFormation: stores it, starts the work, and answers at once if possible. On any error the
 * request is answered here, unless an execution continues it. Throws `EVENT_INVALID` for requests that cannot be
 * answered.
 */
function receiveRequest(app: EcsTaskApp, event: unknown, context: LambdaContext | undefined): Promise<void> {
  const { deps } = app;
  const logger = deps.logger ?? silentLogger;
  const owner = app.newOwner();
  let reception: Reception | undefined;
  return serveRequest(
    { ...deps, logger },
    { event, context },
    {
      work(request, invocation) {
        reception = { app, request, invocation, logger, owner };
        return beginWithRetries(reception);
      },
      async meetFault(_request, error) {
        if (reception !== undefined) await meetFault(reception, error);
      },
    },
  );
}

function beginWithRetries(reception: Reception): Promise<void> {
  const { app, logger, request } = reception;
  return retry(() => begin(reception), {
    tries: PAUSES_MS.length + 1,
    isRetryable: isPassing,
    pause(failed, error) {
      logger.warn("Retrying the request.", { requestId: request.RequestId, error: toCause(error) });
      return app.deps.clock.sleep(PAUSES_MS[failed - 1] ?? 0);
    },
  });
}

/**
 * Returns true for transient errors. A conflict means that another invocation has the work, and a response that could
 * not be sent was already retried.
 */
function isPassing(error: unknown): boolean {
  return isStackyardError(error) && error.retryable && !["RECORD_CONFLICT", "UNREACHABLE"].includes(error.code);
}

async function begin(reception: Reception): Promise<void> {
  const { app, request, invocation, logger, owner } = reception;
  const store = await app.store();
  if (await store.add(toRemembered(request))) logWarnings(request, logger);
  const result = await store.claim(request.RequestId, owner, invocation.ttlMs);
  if (result.kind === "none") throw new Error("The request was noted and cannot be found.");
  if (result.kind === "held") {
    // A repeat, or work abandoned by another invocation: an execution finds out.
    return startExecution(app.deps, request.RequestId, invocation.signal);
  }
  reception.claimed = result.claimed;
  try {
    const context = createTurnContext(app, result.claimed, invocation.signal);
    const end = await takeTurns(context);
    if (end.kind === "wait") await context.handOver();
    else await sendAnswer(app.deps, result.claimed);
  } finally {
    await release(result.claimed);
  }
}

/** Removes unused properties, so that the request fits into a record. A Delete needs only the cluster. */
function toRemembered(request: CustomResourceRequest): CustomResourceRequest {
  const { RequestType, ResourceProperties, OldResourceProperties } = request;
  if (RequestType === "Delete") return { ...request, ResourceProperties: { Cluster: findCluster(ResourceProperties) } };
  return {
    ...request,
    ResourceProperties: pickProperties(ResourceProperties),
    ...defined({ OldResourceProperties: OldResourceProperties && pickProperties(OldResourceProperties) }),
  };
}

function logWarnings(request: CustomResourceRequest, logger: Logger): void {
  if (request.RequestType === "Delete") return;
  const parsed = parseProperties(request.ResourceProperties);
  const warnings = parsed.kind === "config" ? parsed.warnings : [];
  for (const warning of warnings) logger.warn(warning, { requestId: request.RequestId });
}

async function meetFault(reception: Reception, error: unknown): Promise<void> {
  const { claimed, request, logger } = reception;
  const fields = { requestId: request.RequestId, error: toCause(error) };
  // The invocation that has the work continues it.
  if (isStackyardError(error, "RECORD_CONFLICT")) return;
  if (claimed?.work.handedOver === true) {
    logger.warn("The execution continues the work.", fields);
    return;
  }
  if (claimed?.work.response !== undefined) return leaveAnswer(reception, claimed);
  logger.error("The request failed.", fields);
  await answerFault(reception, error);
}

/** Starts an execution to retry a stored response that could not be sent. */
async function leaveAnswer({ app, request }: Reception, claimed: ClaimedWork): Promise<void> {
  if (claimed.work.phase === "done") return;
  await startExecution(app.deps, request.RequestId, AbortSignal.timeout(10_000));
}

/** Answers a fault when nothing was started, even if the response cannot be stored. */
async function answerFault({ app, request, claimed, logger }: Reception, error: unknown): Promise<void> {
  const { deps } = app;
  const work = claimed?.work ?? toNewWork(request, deps.clock.now());
  const action = decideRequest(request);
  const told = action.kind === "fail" ? { code: action.code, text: action.reason } : toTold(error);
  const end = { status: "FAILED", ...told } as const;
  const ended = toEnd({ work, id: toResourceId(request), config: undefined, deps }, end);
  // Nothing can have been made with a broken configuration, and its deletion must not fail.
  const isNever = told.code === "CONFIG_INVALID" && request.PhysicalResourceId === undefined;
  const id = `${NEVER_MADE}${request.LogicalResourceId}`;
  const response = isNever ? { ...ended, PhysicalResourceId: id } : ended;
  const noted = claimed?.save({ phase: "answer", response }).catch(() => undefined);
  await sendResponse({ ...deps, logger }, request.ResponseURL, response);
  // A table that does not answer must not block the function until its timeout.
  const known = noted && (await within(noted, { clock: deps.clock, ms: NOTED_WITHIN_MS, late: () => undefined }));
  if (known !== undefined) await claimed?.save({ phase: "done" }).catch(() => undefined);
}

/** Returns code and text of an error. Our own errors are sentences for people. */
function toTold(error: unknown): { readonly code: string; readonly text: string } {
  if (!isStackyardError(error)) return { code: "ECS_AWS_ERROR", text: toCause(error) };
  const text = redactText(error.message).slice(0, MAX_CAUSE);
  return { code: error.code === "CONFIG_INVALID" ? error.code : "ECS_AWS_ERROR", text };
}

const MAX_CAUSE = 1_000;

/** What has changed by the stop of tasks, and why some may still run. */
interface Stopped {
  readonly changes: Partial<TaskWork>;
  readonly fault?: string;
}

/**
 * Answers an abandoned request that has no response yet: with the stored response, otherwise as failed, after its tasks
 * were stopped. Throws while another invocation works on it, so that the caller retries.
 */
async function answerWork(
  app: EcsTaskApp,
  requestId: string,
  { invocation, cause }: { readonly invocation: Invocation; readonly cause?: string | undefined },
): Promise<{ readonly answered: boolean }> {
  const { deps, store, newOwner } = app;
  const result = await (await store()).claim(requestId, newOwner(), invocation.ttlMs);
  if (result.kind === "none") {
    deps.logger?.error("The request is unknown, so no response can be sent.", { requestId });
    return { answered: false };
  }
  if (result.kind === "held") throw new StackyardError("RECORD_CONFLICT", "Another invocation works on the request.");
  const { claimed } = result;
  try {
    if (claimed.work.phase === "done") return { answered: true };
    if (claimed.work.response === undefined) await giveUp(app, claimed, { invocation, cause });
    await sendAnswer(deps, claimed);
    return { answered: true };
  } finally {
    await release(claimed);
  }
}

/** Notes the failure as the answer. Tasks are stopped as well as it goes: an answer is more urgent. */
async function giveUp(
  app: EcsTaskApp,
  claimed: ClaimedWork,
  { invocation, cause }: { readonly invocation: Invocation; readonly cause?: string | undefined },
): Promise<void> {
  const context = createTurnContext(app, claimed, invocation.signal);
  const { ending, request } = claimed.work;
  const isRun = request.RequestType !== "Delete" && mayRun(claimed.work);
  const { fault, changes }: Stopped = isRun ? await stopAsFarAsPossible(context) : { changes: {} };
  const text = ending?.message ?? `The work was abandoned: ${cause ?? "its execution ended before"}.`;
  const end = {
    status: "FAILED",
    code: ending?.code ?? "ECS_AWS_ERROR",
    why: isRun ? "RUN" : "",
    text: fault === undefined ? text : `${text} Tasks may still run: ${fault}.`,
  } satisfies WorkEnd;
  const response = toEnd({ ...context, work: { ...context.work, ...changes } }, end);
  await claimed.save({ ...changes, phase: "answer", response });
  context.logger.error("The work was abandoned.", {
    requestId: request.RequestId,
    cause: end.text,
    id: context.id,
  });
}

/** Stops tasks, including unrecorded ones: the reader of the response must know that they ran. */
async function stopAsFarAsPossible(context: TurnContext): Promise<Stopped> {
  try {
    const { changes } = await stopAll(context);
    return { changes };
  } catch (error) {
    return { fault: toCause(error), changes: {} };
  }
}

/** Formats an error for a response: name and message, without addresses. */
function toCause(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return redactText(text).slice(0, MAX_CAUSE);
}
