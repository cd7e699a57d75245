import type { TSchema } from "typebox";
import { defineRoute, type Route } from "../http/route.ts";
import { StackId } from "../schemas/common.ts";
import { OperationAnswer as AnswerSchema, CancelBody, RemoveBody, RetryBody, SettleBody } from "../schemas/event.ts";
import { idOf, type Message, type OperateDeps, operate } from "./operate.ts";

/** What operators do by hand. Each is an event with the actor in the history; the answer tells what became of it. */
export function operationRoutes(deps: OperateDeps): readonly Route[] {
  return [
    operationRoute(deps, {
      name: "retry",
      summary: "Give failed tasks a new attempt, or send pending ones again.",
      body: RetryBody,
      toMessage: ({ which, task, reason }) => ({
        event: which === "pending" ? "RETRY_PENDING_TASKS" : "RETRY_FAILED_TASKS",
        ...(task === undefined ? {} : { task: { name: task } }),
        reason,
      }),
    }),
    operationRoute(deps, {
      name: "cancel",
      summary: "Ask a task to stop.",
      body: CancelBody,
      toMessage: ({ task, reason }) => ({ event: "CANCEL_TASK", task: { name: task }, reason }),
    }),
    operationRoute(deps, {
      name: "settle",
      summary: "Declare a task done by hand.",
      body: SettleBody,
      toMessage: ({ task, ...rest }) => ({ event: "SETTLE_TASK", task: { name: task }, ...rest }),
    }),
    operationRoute(deps, {
      name: "remove",
      summary: "Remove the stack's record by force. What its tasks have made stays where it is.",
      body: RemoveBody,
      toMessage: (body) => ({ event: "REMOVE_STACK", ...body }),
    }),
  ];
}

interface Operation<Body extends TSchema> {
  readonly name: string;
  readonly summary: string;
  readonly body: Body;
  readonly toMessage: (
    body: Parameters<Parameters<typeof defineRoute<never, never, Body>>[0]["handle"]>[0]["body"],
  ) => Message;
}

const answers = {
  200: { description: "It was done.", schema: AnswerSchema },
  202: { description: "Not decided yet.", schema: AnswerSchema },
  404: { description: "STACK_UNKNOWN" },
  409: { description: "It was refused; `code` tells why, such as TASK_NOT_RUNNING." },
};

function operationRoute<Body extends TSchema>(deps: OperateDeps, operation: Operation<Body>): Route {
  const { name, summary, body, toMessage } = operation;
  return defineRoute({
    method: "POST",
    path: `/v1/stacks/:stackId/${name}`,
    operationId: `${name}Stack`,
    tag: "operations",
    summary,
    params: { stackId: StackId },
    body,
    answers,
    handle: ({ params: { stackId }, body }, context) =>
      operate(
        deps,
        { ...toMessage(body as Parameters<typeof toMessage>[0]), id: idOf(body, deps.ids), stackId },
        context,
      ),
  });
}
