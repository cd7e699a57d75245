import { defined } from "./json.ts";

/** An operator's action on a stack, by an event of the engine. */
export type OperatorAction = "retry" | "cancel" | "acknowledge" | "settle" | "remove";

/** The body of an operation of the API, without id and reason. */
interface OperatorBody {
  readonly which?: unknown;
  readonly task?: unknown;
  readonly approval?: unknown;
  readonly seen?: unknown;
}

/** Returns the event of an operation, for one stack or for many. */
export function toOperatorMessage(
  action: OperatorAction,
  { which, task: name, approval, seen }: OperatorBody,
): Readonly<Record<string, unknown>> {
  const task = name === undefined ? undefined : { name };
  switch (action) {
    case "retry":
      return defined({ event: which === "pending" ? "RETRY_PENDING_TASKS" : "RETRY_FAILED_TASKS", task, seen });
    case "cancel":
      return defined({ event: "CANCEL_TASK", task, seen });
    case "acknowledge":
      return defined({ event: "ACKNOWLEDGE_FAILURE", seen });
    case "settle":
      return defined({ event: "SETTLE_TASK", as: "succeeded", task, approval, seen });
    case "remove":
      return defined({ event: "REMOVE_STACK", force: true, seen });
  }
}
