import { type Clock, defined, type Ids, isSameContent, StackyardError, type Store, toContent } from "@stackyard/core";
import * as operations from "@stackyard/core/api/operations";
import {
  type AttemptView,
  findLastDecision,
  publishMessages,
  type StoredHistoryEntry,
  type StoredStack,
} from "@stackyard/core/engine";
import { type OperatorAction, toOperatorMessage } from "@stackyard/core/machine";
import { keepReadable } from "../access/reach.ts";
import { toScopeFilter } from "../access/stack-scopes.ts";
import type { ChangeBell } from "../change-bell.ts";
import { OutcomeRefused } from "../http/problem.ts";
import { defineRoute, type Route, type RouteContext } from "../http/route.ts";
import { type ReplyOf, reply, serve } from "../http/serve.ts";
import { toAttempt } from "../schemas/stack.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

/** Manual operations. Each is an event with the actor in the history; the response contains its outcome. */
export function operationRoutes(deps: RouteDeps): readonly Route[] {
  const run = (
    action: OperatorAction,
    { params: { stackId }, body }: OperationInput,
    context: RouteContext,
  ): Promise<Outcome> => {
    const message = { ...toOperatorMessage(action, body), ...defined({ reason: body.reason }) };
    return operate(deps, { ...message, id: idOf(body, deps.ids), stackId }, context);
  };
  return [
    serve(deps, operations.retryStack, (input, context) => run("retry", input, context)),
    serve(deps, operations.cancelStack, (input, context) => run("cancel", input, context)),
    serve(deps, operations.acknowledgeStack, (input, context) => run("acknowledge", input, context)),
    serve(deps, operations.settleStack, async (input, context) => {
      const { body, params } = input;
      if (body.approval === true) {
        await context.authorize({ permission: "approvals:settle", subject: "stack" }, params);
      }
      return run("settle", input, context);
    }),
    serve(deps, operations.removeStack, (input, context) => run("remove", input, context)),
  ];
}

interface OperationInput {
  readonly params: { readonly stackId: string };
  readonly body: {
    readonly reason?: string;
    readonly which?: string;
    readonly task?: string;
    readonly approval?: boolean;
    readonly seen?: object;
  };
}

/** The outcome of an operator's event: applied, or not decided yet. */
type Outcome = ReplyOf<typeof operations.retryStack>;

/** Defines the routes for attempts and their task logs. An attempt's id is one path segment: encode its slashes. */
export function attemptRoutes(deps: RouteDeps): readonly Route[] {
  const { store, guard } = deps;
  return [
    serve(deps, operations.listAttempts, async ({ params: { stackId }, query: { cursor, limit } }, { caller }) => {
      const attempts = await keepReadable(guard, caller, await store.queries.listAttempts(stackId));
      const rest = cursor === undefined ? attempts : listAfter(attempts, cursor);
      const items = rest.slice(0, limit).map(toAttempt);
      const last = items.length < rest.length ? items.at(-1) : undefined;
      return reply(200, { items, ...(last && { cursor: `${Date.parse(last.dispatchedAt)}/${last.attemptId}` }) });
    }),
    serve(deps, operations.listOpenAttempts, async ({ query: { cursor, limit, ...filter } }, { caller }) => {
      const input = pageInput(defined({ cursor, limit }));
      const page = await store.queries.listOpenAttempts({ ...filter, ...toScopeFilter(caller, "read") }, input);
      const toView = ({ machine, ...attempt }: (typeof page.items)[number]) => ({ ...toAttempt(attempt), machine });
      return reply(200, toPage(page, { toView, toId: ({ attemptId }) => attemptId }));
    }),
    serve(deps, operations.getAttempt, async ({ params: { attemptId } }) =>
      reply(200, toAttempt(await loadAttempt(store, attemptId))),
    ),
    logRoute(deps),
  ];
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

function logRoute({ store }: RouteDeps): Route {
  return defineRoute("GET", "/v1/attempts/:attemptId/log", {
    operationId: "getAttemptLog",
    permission: "read",
    subject: "attempt",
    tag: "attempts",
    summary: "Get the end of the task's log, at most 64 KiB. Empty if the task has not logged.",
    params: operations.getAttempt.params,
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

/** Publishes an operator's event and returns what became of it. Throws `STACK_UNKNOWN`, and `OutcomeRefused`. */
export async function operate(
  deps: RouteDeps,
  message: Message & { readonly id: string; readonly stackId: string },
  { sender, signal }: RouteContext,
): Promise<Outcome> {
  const { id: eventId, stackId } = message;
  const ids = { eventId, stackId };
  const [loaded] = await deps.store.load([stackId]);
  if (loaded?.stack === undefined && (await findLastDecision(deps.store, ids)) === undefined)
    throw unknownStack(stackId);
  const [result] = await publishMessages(deps, [message], { sender, own: true });
  if (result?.kind === "invalid") throw new StackyardError("EVENT_INVALID", result.reason);
  const entry = await waitForDecision(deps, { eventId, stackId, timeoutMs: deps.settings.limits.outcomeMs, signal });
  if (entry !== undefined && result?.kind === "duplicate" && !isSameContent(entry, toContent(message))) {
    throw new StackyardError("DUPLICATE", result.reason, { details: { ...ids, usedFor: entry.event } });
  }
  return toAnswer(entry, { ...ids, ...(result?.kind === "duplicate" && { repeated: true as const }) });
}

function toAnswer(entry: StoredHistoryEntry | undefined, ids: EventIds & { readonly repeated?: true }): Outcome {
  if (entry === undefined) return reply(202, { ...ids, outcome: "waiting", notes: [] });
  const { outcome, code, reason, notes, event } = entry;
  if (code === "STACK_UNKNOWN") throw unknownStack(ids.stackId);
  if (outcome === "applied" || outcome === "removed") return reply(200, { ...ids, outcome, notes });
  throw new OutcomeRefused({
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

/** Returns the line of the last decision about a sender's event; undefined when the time is over first. */
export async function waitForDecision(
  deps: { readonly store: Store; readonly clock: Clock; readonly bell: ChangeBell },
  input: EventIds & { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<StoredHistoryEntry | undefined> {
  const { eventId, stackId, timeoutMs, signal } = input;
  const until = deps.clock.now() + timeoutMs;
  for (;;) {
    const seen = deps.bell.count;
    const line = await findLastDecision(deps.store, { eventId, stackId });
    const rest = until - deps.clock.now();
    if (line !== undefined || rest <= 0 || signal.aborted) return line;
    await deps.bell.wait(seen, Math.min(POLL_MS, rest), signal);
  }
}
