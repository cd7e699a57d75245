import type { TaskWork } from "./task-work.ts";

/** Why tasks are stopped, as ECS shows it. It names the stack. */
export function toStopReason({ request, failure }: Pick<TaskWork, "request" | "failure">): string {
  const { StackId, LogicalResourceId, RequestType } = request;
  const why = failure === undefined ? `${RequestType} of the resource` : failure.code;
  return `Stackyard: ${why} ${LogicalResourceId} of stack ${StackId}`;
}
