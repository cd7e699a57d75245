import { Type } from "typebox";
import { Seen } from "../../machine/seen.ts";
import { answer, defineOperation, refusal } from "./define-operation.ts";
import { EventId, Reason, StackId, TaskName } from "./fields.ts";

const of = { subject: "stack", tag: "operations", params: { stackId: StackId } } as const;
const answers = {
  200: answer("OperationAnswer", "The operation was applied."),
  202: answer("OperationAnswer", "Not decided yet."),
  404: refusal("STACK_UNKNOWN"),
  409: refusal(
    "The operation was refused; `code` is the reason, such as TASK_NOT_RUNNING, or STACK_CHANGED: something else has the place of what was `seen`.",
  ),
};
const id = Type.Optional(EventId);
const reason = Type.Optional(Reason);
const seen = Type.Optional(Seen);

export const retryStack = defineOperation("POST", "/v1/stacks/:stackId/retry", {
  operationId: "retryStack",
  ...of,
  permission: "operate",
  summary: "Retry failed tasks, or send pending tasks again.",
  // Failed tasks get a new attempt; pending ones are sent again under the same attempt.
  body: Type.Object({
    which: Type.Optional(Type.Union([Type.Literal("failed"), Type.Literal("pending")])),
    task: Type.Optional(TaskName),
    reason,
    seen,
    id,
  }),
  answers,
});

export const cancelStack = defineOperation("POST", "/v1/stacks/:stackId/cancel", {
  operationId: "cancelStack",
  ...of,
  permission: "operate",
  summary: "Cancel a task.",
  body: Type.Object({ task: TaskName, reason, seen, id }),
  example: { body: { task: "create" } },
  answers,
});

export const acknowledgeStack = defineOperation("POST", "/v1/stacks/:stackId/acknowledge", {
  operationId: "acknowledgeStack",
  ...of,
  permission: "operate",
  summary:
    "Mark the last failure of a stack as acknowledged. The stack stays degraded until a success, and no longer needs attention.",
  body: Type.Object({ reason, seen, id }),
  answers,
});

export const settleStack = defineOperation("POST", "/v1/stacks/:stackId/settle", {
  operationId: "settleStack",
  ...of,
  permission: "repair",
  summary: "Mark a task as succeeded.",
  body: Type.Object({
    task: TaskName,
    as: Type.Literal("succeeded"),
    approval: Type.Optional(
      Type.Boolean({ description: "The task is an approval. Needs the permission `approvals:settle` too." }),
    ),
    reason: Reason,
    seen,
    id,
  }),
  example: { body: { task: "create", as: "succeeded", reason: "It was done by hand." } },
  answers,
});

export const removeStack = defineOperation("POST", "/v1/stacks/:stackId/remove", {
  operationId: "removeStack",
  ...of,
  permission: "repair",
  summary: "Delete the record of a stack by force. The resources of its tasks remain.",
  body: Type.Object({ force: Type.Literal(true), reason: Reason, seen, id }),
  example: { body: { force: true, reason: "Its account is closed." } },
  answers,
});
