import { isJsonObject } from "./property-readers.ts";

/** What calls the function beside CloudFormation. */
export type FunctionCall =
  /** A state of the machine. */
  | { readonly kind: "step"; readonly requestId: string }
  /** The last state of the machine, or EventBridge after an execution that ended badly. */
  | { readonly kind: "answer"; readonly requestId: string; readonly cause?: string | undefined }
  /** A task of this resource has ended. */
  | { readonly kind: "task-stopped"; readonly resourceId: string };

const EXECUTION_EVENT = "Step Functions Execution Status Change";
const ENDED_BADLY = ["FAILED", "TIMED_OUT", "ABORTED"];
const TASK_EVENT = "ECS Task State Change";

/** Reads a call; undefined: it is none of ours, or says nothing that matters. */
export function parseCall(event: unknown, stateMachineArn: string): FunctionCall | undefined {
  if (!isJsonObject(event)) return undefined;
  const detail = isJsonObject(event["detail"]) ? event["detail"] : {};
  if (event["detail-type"] === EXECUTION_EVENT) return parseExecution(detail, stateMachineArn);
  if (event["detail-type"] === TASK_EVENT) return parseTask(detail);
  const { op, requestId, state } = event;
  if (typeof requestId !== "string" || requestId === "") return undefined;
  if (op === "step") return { kind: "step", requestId };
  const error = isJsonObject(state) ? state["error"] : undefined;
  return op === "answer" ? { kind: "answer", requestId, cause: toErrorText(error) } : undefined;
}

function parseExecution(detail: Readonly<Record<string, unknown>>, stateMachineArn: string): FunctionCall | undefined {
  const { status, name, input } = detail;
  if (detail["stateMachineArn"] !== stateMachineArn || typeof status !== "string") return undefined;
  if (!ENDED_BADLY.includes(status)) return undefined;
  // The input is left out of large events; the name then is the request's id, or what stands for it.
  const requestId = findRequestId(input) ?? name;
  if (typeof requestId !== "string" || requestId === "") return undefined;
  return { kind: "answer", requestId, cause: `the execution ended as ${status}` };
}

function findRequestId(input: unknown): string | undefined {
  try {
    const parsed: unknown = JSON.parse(String(input));
    const requestId = isJsonObject(parsed) ? parsed["requestId"] : undefined;
    return typeof requestId === "string" ? requestId : undefined;
  } catch {
    return undefined;
  }
}

function parseTask({ startedBy, lastStatus }: Readonly<Record<string, unknown>>): FunctionCall | undefined {
  if (lastStatus !== "STOPPED" || typeof startedBy !== "string" || !/^[0-9a-f]{32}$/.test(startedBy)) return undefined;
  return { kind: "task-stopped", resourceId: startedBy };
}

/** What Catch hands on: `Error` is a name, `Cause` the function's error as JSON, or text. */
function toErrorText(error: unknown): string | undefined {
  if (!isJsonObject(error)) return undefined;
  const { Error: name = "an error", Cause: cause = "" } = error;
  return `${String(name)}: ${findMessage(String(cause))}`.slice(0, 1_000);
}

function findMessage(cause: string): string {
  try {
    const parsed: unknown = JSON.parse(cause);
    return isJsonObject(parsed) && typeof parsed["errorMessage"] === "string" ? parsed["errorMessage"] : cause;
  } catch {
    return cause;
  }
}
