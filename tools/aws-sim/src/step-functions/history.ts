import type { Definition } from "./to-local-definition.ts";

/** One event of an execution's history. Source: API reference, "HistoryEvent"; of Lambda tasks only the failures are there. */
export interface HistoryEvent {
  readonly id: number;
  readonly previousEventId: number;
  readonly timestamp: Date;
  readonly type: string;
  readonly [details: string]: unknown;
}

/** What an event of the interpreter is in a history; undefined: none that is looked at. */
export function toHistoryEvent(
  event: object,
  { definition, at, id }: { readonly definition: Definition; readonly at: number; readonly id: number },
): HistoryEvent | undefined {
  const { type, state, Error: error, Cause: cause, input } = { ...event } as Readonly<Record<string, unknown>>;
  const base = { id, previousEventId: id - 1, timestamp: new Date(at) };
  const details = toDetails(String(type), { definition, state: { ...Object(state) }, error, cause, input });
  return details && { ...base, ...details };
}

interface Facts {
  readonly definition: Definition;
  readonly state: Readonly<Record<string, unknown>>;
  readonly error: unknown;
  readonly cause: unknown;
  readonly input: unknown;
}

function toDetails(type: string, { definition, state, error, cause, input }: Facts) {
  const name = String(state["name"]);
  const fault = { error: String(error), cause: String(cause) };
  // Waits are tasks to the interpreter.
  const kind = definition.States[name]?.Type ?? "Task";
  switch (type) {
    case "ExecutionStarted":
      return { type, executionStartedEventDetails: { input: JSON.stringify(input) } };
    case "StateEntered":
      return { type: `${kind}StateEntered`, stateEnteredEventDetails: { name, input: JSON.stringify(state["input"]) } };
    case "StateExited":
      return { type: `${kind}StateExited`, stateExitedEventDetails: { name, output: JSON.stringify(state["output"]) } };
    case "StateFailed":
      return kind === "Task" ? { type: "LambdaFunctionFailed", lambdaFunctionFailedEventDetails: fault } : undefined;
    case "ExecutionSucceeded":
      return { type };
    case "ExecutionFailed":
      return { type, executionFailedEventDetails: fault };
    default:
      return undefined;
  }
}
