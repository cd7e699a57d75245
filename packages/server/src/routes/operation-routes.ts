import { type Clock, type Ids, StackyardError, type Store } from "@stackyard/core";
import { publishMessages, type StoredHistoryEntry } from "@stackyard/core/engine";
import type { TSchema } from "typebox";
import { problemResponse } from "../http/problem.ts";
import { defineRoute, json, type Route, type RouteContext } from "../http/route.ts";
import { StackId } from "../schemas/common.ts";
import {
  OperationAnswer as AnswerSchema,
  CancelBody,
  type OperationAnswer,
  RemoveBody,
  RetryBody,
  SettleBody,
} from "../schemas/event.ts";
import type { ChangeBell } from "../watch/change-bell.ts";
import { waitForOutcome } from "./wait-for-outcome.ts";

export interface OperationRoutesDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly bell: ChangeBell;
  readonly outcomeMs: number;
}

type Message = Readonly<Record<string, unknown>>;

/** What operators do by hand. Each is an event with the actor in the history; the answer tells what became of it. */
export function operationRoutes(deps: OperationRoutesDeps): readonly Route[] {
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

function operationRoute<Body extends TSchema>(deps: OperationRoutesDeps, operation: Operation<Body>): Route {
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

/** The sender's own id, so that a repeat is known as one. */
function idOf(body: unknown, ids: Ids): string {
  const own = typeof body === "object" && body !== null && "id" in body ? body.id : undefined;
  return typeof own === "string" ? own : ids.next();
}

async function operate(
  deps: OperationRoutesDeps,
  message: Message & { readonly id: string; readonly stackId: string },
  { actor, signal }: RouteContext,
): Promise<Response> {
  const { id: eventId, stackId } = message;
  const [loaded] = await deps.store.load([stackId]);
  if (loaded?.stack === undefined && !(await wasDecided(deps.store, eventId))) throw unknownStack(stackId);
  const [result] = await publishMessages(deps, [message], { actor });
  if (result?.kind === "invalid") throw new StackyardError("EVENT_INVALID", result.reason);
  const entry = await waitForOutcome(deps, { eventId, timeoutMs: deps.outcomeMs, signal });
  return toAnswer(entry, { eventId, stackId });
}

async function wasDecided(store: Store, eventId: string): Promise<boolean> {
  const { items } = await store.listHistory({ eventId }, { limit: 1 });
  return items.length > 0;
}

function toAnswer(
  entry: StoredHistoryEntry | undefined,
  ids: { readonly eventId: string; readonly stackId: string },
): Response {
  if (entry === undefined) return json(202, { ...ids, outcome: "waiting", notes: [] } satisfies OperationAnswer);
  const { outcome, code, reason, notes, event } = entry;
  if (code === "STACK_UNKNOWN") throw unknownStack(ids.stackId);
  if (outcome === "applied" || outcome === "removed") {
    return json(200, { ...ids, outcome, notes: [...notes] } satisfies OperationAnswer);
  }
  return problemResponse({
    status: 409,
    code: code ?? "OUTCOME_NEGATIVE",
    detail: reason ?? `"${event}" was ${outcome}.`,
    details: { ...ids, outcome },
  });
}

function unknownStack(stackId: string): StackyardError {
  return new StackyardError("STACK_UNKNOWN", `There is no stack "${stackId}".`);
}
