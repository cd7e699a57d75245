import { type Clock, defined, type Ids, StackyardError, type Store } from "@stackyard/core";
import type { Permission } from "@stackyard/core/access";
import { OperationAnswer as AnswerSchema, Attempt, OpenAttempt, type OperationAnswer } from "@stackyard/core/api";
import { type AttemptView, publishMessages, type StoredHistoryEntry, type StoredStack } from "@stackyard/core/engine";
import { type Static, type TSchema, Type } from "typebox";
import { keepReadable } from "../access/reach.ts";
import { toScopeFilter } from "../access/stack-scopes.ts";
import type { ChangeBell } from "../change-bell.ts";
import { problemResponse } from "../http/problem.ts";
import { defineRoute, json, type Route, type RouteContext } from "../http/route.ts";
import {
  AcknowledgeBody,
  AttemptId,
  CancelBody,
  pageOf,
  pageQuery,
  RemoveBody,
  RetryBody,
  SettleBody,
  StackId,
} from "../schemas/event.ts";
import { toAttempt } from "../schemas/stack.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

/** Manual operations. Each is an event with the actor in the history; the response contains its outcome. */
export function operationRoutes(deps: RouteDeps): readonly Route[] {
  return [
    operationRoute(deps, {
      name: "retry",
      permission: "operate",
      summary: "Retry failed tasks, or send pending tasks again.",
      body: RetryBody,
      toMessage: ({ which, task, reason }) => ({
        event: which === "pending" ? "RETRY_PENDING_TASKS" : "RETRY_FAILED_TASKS",
        ...defined({ task: task === undefined ? undefined : { name: task } }),
        reason,
      }),
    }),
    operationRoute(deps, {
      name: "cancel",
      permission: "operate",
      summary: "Cancel a task.",
      body: CancelBody,
      toMessage: ({ task, reason }) => ({ event: "CANCEL_TASK", task: { name: task }, reason }),
    }),
    operationRoute(deps, {
      name: "acknowledge",
      permission: "operate",
      summary: "Acknowledge the last failure of a stack. The stack is no longer degraded.",
      body: AcknowledgeBody,
      toMessage: ({ reason }) => ({ event: "ACKNOWLEDGE_FAILURE", ...defined({ reason }) }),
    }),
    operationRoute(deps, {
      name: "settle",
      permission: "repair",
      summary: "Mark a task as succeeded.",
      body: SettleBody,
      alsoNeeds: ({ approval }) => (approval ? "approvals:settle" : undefined),
      toMessage: ({ task, ...rest }) => ({ event: "SETTLE_TASK", task: { name: task }, ...rest }),
    }),
    operationRoute(deps, {
      name: "remove",
      permission: "repair",
      summary: "Delete the record of a stack by force. The resources of its tasks remain.",
      body: RemoveBody,
      toMessage: (body) => ({ event: "REMOVE_STACK", ...body }),
    }),
  ];
}

interface Operation<Body extends TSchema> {
  readonly name: string;
  readonly permission: "operate" | "repair";
  readonly summary: string;
  readonly body: Body;
  readonly toMessage: (body: Static<Body>) => Message;
  /** A permission that some bodies need in addition. */
  readonly alsoNeeds?: (body: Static<Body>) => Permission | undefined;
}

const answers = {
  200: { description: "The operation was applied.", schema: AnswerSchema },
  202: { description: "Not decided yet.", schema: AnswerSchema },
  404: { description: "STACK_UNKNOWN" },
  409: { description: "The operation was refused; `code` is the reason, such as TASK_NOT_RUNNING." },
};

function operationRoute<Body extends TSchema>(deps: RouteDeps, operation: Operation<Body>): Route {
  const { name, permission, summary, body, toMessage, alsoNeeds } = operation;
  return defineRoute("POST", `/v1/stacks/:stackId/${name}`, {
    operationId: `${name}Stack`,
    permission,
    subject: "stack",
    tag: "operations",
    summary,
    params: { stackId: StackId },
    body,
    answers,
    async handle({ params, body }, context) {
      const { stackId } = params;
      const also = alsoNeeds?.(body);
      if (also !== undefined) await deps.guard.check({ permission: also, subject: "stack" }, context.caller, params);
      return operate(deps, { ...toMessage(body), id: idOf(body, deps.ids), stackId }, context);
    },
  });
}

/** Defines the routes for attempts and their task logs. An attempt's id is one path segment: encode its slashes. */
export function attemptRoutes(deps: RouteDeps): readonly Route[] {
  return [listRoute(deps), openRoute(deps), attemptRoute(deps), logRoute(deps)];
}

function listRoute({ store, guard }: RouteDeps): Route {
  return defineRoute("GET", "/v1/stacks/:stackId/attempts", {
    operationId: "listAttempts",
    permission: "read",
    subject: "list",
    tag: "attempts",
    summary: "List the open attempts of a stack and the last 50 ended attempts, newest first.",
    params: { stackId: StackId },
    query: {
      ...pageQuery,
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: "Default: all." })),
    },
    answers: { 200: { description: "A page; without a limit all of them.", schema: pageOf(Attempt) } },
    async handle({ params: { stackId }, query: { cursor, limit } }, { caller }) {
      const attempts = await keepReadable(guard, caller, await store.queries.listAttempts(stackId));
      const rest = cursor === undefined ? attempts : listAfter(attempts, cursor);
      const items = rest.slice(0, limit).map(toAttempt);
      const last = items.length < rest.length ? items.at(-1) : undefined;
      return json(200, { items, ...(last && { cursor: `${Date.parse(last.dispatchedAt)}/${last.attemptId}` }) });
    },
  });
}

/** Returns the attempts after the page's last one; if that is gone, those that were dispatched no later. */
function listAfter(attempts: readonly AttemptView[], cursor: string): readonly AttemptView[] {
  const [, at, id] = /^(\d{1,16})\/(.+)$/s.exec(cursor) ?? [];
  if (at === undefined) {
    throw new StackyardError("USAGE", "The cursor does not belong to this list. Start again without a cursor.");
  }
  const index = attempts.findIndex(({ attemptId }) => attemptId === id);
  return index < 0 ? attempts.filter(({ dispatchedAt }) => dispatchedAt <= Number(at)) : attempts.slice(index + 1);
}

function openRoute({ store }: RouteDeps): Route {
  return defineRoute("GET", "/v1/attempts", {
    operationId: "listOpenAttempts",
    permission: "read",
    subject: "list",
    tag: "attempts",
    summary: "List the attempts of the yard that have not ended, oldest first.",
    query: {
      status: Type.Optional(Type.Enum(["unclaimed", "queued", "running", "suspended"])),
      executor: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
      machine: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
      idPrefix: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: "Of the id of the stack." })),
      ...pageQuery,
    },
    answers: { 200: { description: "A page; it may be empty and have a cursor.", schema: pageOf(OpenAttempt) } },
    async handle({ query: { cursor, limit, ...filter } }, { caller }) {
      const input = pageInput(defined({ cursor, limit }));
      const page = await store.queries.listOpenAttempts({ ...filter, ...toScopeFilter(caller, "read") }, input);
      const toView = ({ machine, ...attempt }: (typeof page.items)[number]) => ({ ...toAttempt(attempt), machine });
      return json(200, toPage(page, { toView, toId: ({ attemptId }) => attemptId }));
    },
  });
}

function attemptRoute({ store }: RouteDeps): Route {
  return defineRoute("GET", "/v1/attempts/:attemptId", {
    operationId: "getAttempt",
    permission: "read",
    subject: "attempt",
    tag: "attempts",
    summary: "Get an attempt.",
    params: { attemptId: AttemptId },
    answers: { 200: { description: "The attempt.", schema: Attempt }, 404: { description: "NOT_FOUND" } },
    async handle({ params: { attemptId } }) {
      return json(200, toAttempt(await loadAttempt(store, attemptId)));
    },
  });
}

function logRoute({ store }: RouteDeps): Route {
  return defineRoute("GET", "/v1/attempts/:attemptId/log", {
    operationId: "getAttemptLog",
    permission: "read",
    subject: "attempt",
    tag: "attempts",
    summary: "Get the end of the task's log, at most 64 KiB. Empty if the task has not logged.",
    params: { attemptId: AttemptId },
    answers: { 200: { description: "Text.", mediaType: "text/plain" }, 404: { description: "NOT_FOUND" } },
    async handle({ params: { attemptId } }) {
      const { log = "" } = await loadAttempt(store, attemptId);
      return new Response(log, { headers: { "content-type": "text/plain; charset=utf-8" } });
    },
  });
}

/** Throws `NOT_FOUND`. */
export async function loadAttempt(store: Store, attemptId: string): Promise<AttemptView> {
  const attempt = await store.findAttempt(attemptId);
  if (attempt === undefined) throw new StackyardError("NOT_FOUND", `Attempt "${attemptId}" not found.`);
  return attempt;
}

/** An operator's event. */
type Message = Readonly<Record<string, unknown>>;

/** Returns the sender's own id, so that a repeat is recognized. */
export function idOf(body: unknown, ids: Ids): string {
  const own = typeof body === "object" && body !== null && "id" in body ? body.id : undefined;
  return typeof own === "string" ? own : ids.next();
}

/** Publishes an operator's event and answers with what became of it. Throws `STACK_UNKNOWN`. */
export async function operate(
  deps: RouteDeps,
  message: Message & { readonly id: string; readonly stackId: string },
  { sender, signal }: RouteContext,
): Promise<Response> {
  const { id: eventId, stackId } = message;
  const ids = { eventId, stackId };
  const [loaded] = await deps.store.load([stackId]);
  if (loaded?.stack === undefined && !(await wasDecided(deps.store, ids))) throw unknownStack(stackId);
  const [result] = await publishMessages(deps, [message], { sender, own: true });
  if (result?.kind === "invalid") throw new StackyardError("EVENT_INVALID", result.reason);
  const entry = await waitForOutcome(deps, { eventId, stackId, timeoutMs: deps.settings.limits.outcomeMs, signal });
  if (entry !== undefined && result?.kind === "duplicate" && entry.event !== message["event"]) {
    throw new StackyardError("DUPLICATE", result.reason, { details: { ...ids, usedFor: entry.event } });
  }
  return toAnswer(entry, ids);
}

async function wasDecided(store: Store, ids: EventIds): Promise<boolean> {
  return (await findSentLine(store, ids)) !== undefined;
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

/** Returns a stack. Throws `STACK_UNKNOWN`. */
export async function loadStack(store: Store, stackId: string): Promise<StoredStack["stack"]> {
  const [loaded] = await store.load([stackId]);
  if (loaded?.stack === undefined) throw unknownStack(stackId);
  return loaded.stack;
}

/** Returns the error for a stack that does not exist. */
export function unknownStack(stackId: string): StackyardError {
  return new StackyardError("STACK_UNKNOWN", `Stack "${stackId}" does not exist.`);
}

const POLL_MS = 250;

/** Names an event: other stacks may use its id too. */
interface EventIds {
  readonly eventId: string;
  readonly stackId: string;
}

/** Returns the first history line of a sender's event; undefined when the time is over first. */
export async function waitForOutcome(
  deps: { readonly store: Store; readonly clock: Clock; readonly bell: ChangeBell },
  input: EventIds & { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<StoredHistoryEntry | undefined> {
  const { eventId, stackId, timeoutMs, signal } = input;
  const until = deps.clock.now() + timeoutMs;
  for (;;) {
    const seen = deps.bell.count;
    const line = await findSentLine(deps.store, { eventId, stackId });
    const rest = until - deps.clock.now();
    if (line !== undefined || rest <= 0 || signal.aborted) return line;
    await deps.bell.wait(seen, Math.min(POLL_MS, rest), signal);
  }
}

// A worker, a timer or a deadline publishes one event per id, and such an event has a few lines at most.
const LINES = 16;

/** Returns the first line about a sender's event. A result or a timer may have the same id: its lines are skipped. */
async function findSentLine(store: Store, { eventId, stackId }: EventIds): Promise<StoredHistoryEntry | undefined> {
  const { items } = await store.queries.listHistory({ eventId, stackId }, { limit: LINES });
  return items.find(({ internal }) => internal !== true);
}
