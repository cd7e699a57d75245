import type { LambdaContext } from "@stackyard/aws";
import { createInvocation, type Invocation, isCloudFormationEvent } from "@stackyard/aws/custom-resource";
import { isMap, keepStart, parseJson, StackyardError } from "@stackyard/core";
import { answerEnded, answerStopped, type EndedExecution, giveUp, sendAnswer } from "./answer-work.ts";
import { createEcsTaskApp, createTurnContext, type EcsTaskApp } from "./ecs-task-app.ts";
import { INVOCATION_SECONDS } from "./ecs-task-state-machine.ts";
import { type ExecutionInput, openRequest, parseExecutionInput } from "./execution.ts";
import { withProgress } from "./progress.ts";
import { receiveRequest } from "./receive-request.ts";
import { takeStep } from "./take-step.ts";
import type { EcsTaskDeps } from "./turn.ts";

/** The function behind resources of the type `Custom::ECSTask`. */
export interface EcsTaskFunction {
  /**
   * Handles requests of CloudFormation, the states of the machine (`{ op, requestId, … }`), and events of EventBridge:
   * failed executions, and stopped tasks. Rejects with `EVENT_INVALID` for everything else.
   */
  readonly handler: (event: unknown, context?: LambdaContext) => Promise<unknown>;
}

/** Creates the function. Calls nothing before the first event. */
export function createEcsTask(deps: EcsTaskDeps): EcsTaskFunction {
  const app = createEcsTaskApp(deps);
  return {
    async handler(event, given) {
      const context = given && toLimited(given);
      if (isCloudFormationEvent(event)) return receiveRequest(app, event, context);
      const invocation = createInvocation(deps.clock, context);
      const call = parseCall(event, deps.stateMachineArn);
      if (call !== undefined) return invocation.run(() => serveCall(app, call, invocation));
      throw new StackyardError(
        "EVENT_INVALID",
        "Unsupported event: not a CloudFormation request and not a step of its execution.",
      );
    },
  };
}

/** Limits the time of the function to what the state machine relies on, whatever its timeout is. */
function toLimited(context: LambdaContext): LambdaContext {
  const remainingMs = context.getRemainingTimeInMillis?.();
  if (remainingMs === undefined) return context;
  return { ...context, getRemainingTimeInMillis: () => Math.min(remainingMs, INVOCATION_SECONDS * 1_000) };
}

async function serveCall(app: EcsTaskApp, call: FunctionCall, invocation: Invocation): Promise<unknown> {
  if (call.kind === "ended") return answerEnded(app, call, invocation);
  if (call.kind === "task-stopped") return answerStopped(app, call.resourceId, invocation);
  const work = withProgress(openRequest(await app.cipher(), call.input), call.progress);
  const context = createTurnContext(app, work, invocation.signal);
  if (call.kind === "step") return takeStep(context);
  const response = await giveUp(context, call.cause);
  if (call.kind === "answer") return sendAnswer(context, response);
  return takeStep({ ...context, work: { ...work, response } });
}

/** The call of a state of the machine. */
interface StateCall {
  readonly input: ExecutionInput;
  readonly progress: unknown;
}

/** The other callers of the function. */
type FunctionCall =
  | ({ readonly kind: "step" } & StateCall)
  /** The state GiveUp, after Step has failed: with the same `op`, and the error. */
  | ({ readonly kind: "give-up"; readonly cause: string | undefined } & StateCall)
  /** The last state. `cause`: the response is missing, because giving up has failed too. */
  | ({ readonly kind: "answer"; readonly cause: string | undefined } & StateCall)
  | ({ readonly kind: "ended" } & EndedExecution)
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
  const { op, requestId, request, progress, error, state } = event;
  const input = parseExecutionInput(request);
  if (input === undefined || input.requestId !== requestId) return undefined;
  if (op === "step" && error === undefined) return { kind: "step", input, progress };
  if (op === "step") return { kind: "give-up", input, progress, cause: toErrorText(error) };
  const ended = isMap(state) ? state : {};
  return op === "answer"
    ? { kind: "answer", input, progress: ended["progress"] ?? {}, cause: toErrorText(ended["error"]) }
    : undefined;
}

function parseExecution(detail: Readonly<Record<string, unknown>>, stateMachineArn: string): FunctionCall | undefined {
  const { status, executionArn, input } = detail;
  if (detail["stateMachineArn"] !== stateMachineArn || typeof status !== "string") return undefined;
  if (!ENDED_BADLY.includes(status) || typeof executionArn !== "string") return undefined;
  const cause = `the execution ended as ${status}`;
  return { kind: "ended", executionArn, input: parseExecutionInput(input), cause };
}

function parseTask({ startedBy, lastStatus }: Readonly<Record<string, unknown>>): FunctionCall | undefined {
  if (lastStatus !== "STOPPED" || typeof startedBy !== "string" || !/^[0-9a-f]{32}$/.test(startedBy)) return undefined;
  return { kind: "task-stopped", resourceId: startedBy };
}

/** Formats the error that Catch passes: `Error` is a name, `Cause` the function's error as JSON, or text. */
function toErrorText(error: unknown): string | undefined {
  if (!isMap(error)) return undefined;
  const { Error: name = "an error", Cause: cause = "" } = error;
  return keepStart(`${String(name)}: ${findMessage(String(cause))}`, 1_000);
}

function findMessage(cause: string): string {
  const parsed = parseJson(cause);
  return isMap(parsed) && typeof parsed["errorMessage"] === "string" ? parsed["errorMessage"] : cause;
}
