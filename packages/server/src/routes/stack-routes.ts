import { defined, StackyardError } from "@stackyard/core";
import { HistoryEntry, type ParkedEvent, StackCounts, StackDetails, StackSummary } from "@stackyard/core/api";
import type { HistoryFilter, StoredStack } from "@stackyard/core/engine";
import { Type } from "typebox";
import type { Caller } from "../access/caller.ts";
import { keepReadable, loadVisible, withReadableParked } from "../access/reach.ts";
import { toScopeFilter } from "../access/stack-scopes.ts";
import { defineRoute, json, type Route } from "../http/route.ts";
import { EventId, historyItem, pageOf, pageQuery, StackId } from "../schemas/event.ts";
import { toParked, toStackSummary } from "../schemas/stack.ts";
import { stackFilterQuery, stackSortQuery, toStackFilter } from "../schemas/stack-query.ts";
import { unknownStack } from "./operation-routes.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

/** Stacks and their history. */
export function stackRoutes(deps: RouteDeps): readonly Route[] {
  return [listRoute(deps), countRoute(deps), stackRoute(deps), stackHistoryRoute(deps), historyRoute(deps)];
}

const stackQuery = {
  ...stackFilterQuery,
  ...stackSortQuery,
  waiting: Type.Optional(
    Type.Boolean({
      description:
        "With what each stack waits for, at most 100 a page; without a condition only those that are not quiet.",
    }),
  ),
  ...pageQuery,
};
const countQuery = {
  ...stackFilterQuery,
  by: Type.Optional(
    Type.Enum(["machine", "state", "condition", "mainCondition", "revision"], {
      description: "Default: the total alone.",
    }),
  ),
};
const MOST_EXPLAINED = 100;
const orderQuery = {
  order: Type.Optional(
    Type.Union([Type.Literal("newest"), Type.Literal("oldest")], { description: "Which comes first. Default newest." }),
  ),
  ...pageQuery,
};
const historyAnswers = { 200: { description: "A page.", schema: pageOf(HistoryEntry) } };

function listRoute({ store, locator, explainer }: RouteDeps): Route {
  return defineRoute("GET", "/v1/stacks", {
    operationId: "listStacks",
    permission: "read",
    subject: "list",
    tag: "stacks",
    summary: "List stacks, ordered by id or by a time.",
    query: stackQuery,
    answers: {
      200: { description: "A page.", schema: pageOf(StackSummary) },
      422: { description: "FILTER_TOO_WIDE: more than 100,000 stacks would have to be sorted." },
    },
    async handle({ query }, { caller }) {
      const { cursor, limit, sort, waiting = false, condition = waiting ? "waiting" : "any", ...given } = query;
      const filter = { ...(await toStackFilter({ ...given, condition }, locator)), ...toScopeFilter(caller, "read") };
      const input = { ...pageInput(defined({ cursor, limit })), ...defined({ sort }) };
      const toId = ({ stack }: StoredStack) => stack.id;
      if (!waiting) {
        const page = await store.queries.listStacks(filter, input);
        return json(200, toPage(page, { toView: (item) => toStackSummary(item), toId }));
      }
      const page = await store.queries.listStacks(filter, { ...input, limit: Math.min(input.limit, MOST_EXPLAINED) });
      const reasons = await explainer.explainAll(page.items);
      return json(200, toPage(page, { toView: (item, index) => toStackSummary(item, reasons[index]), toId }));
    },
  });
}

function countRoute({ store, locator }: RouteDeps): Route {
  return defineRoute("GET", "/v1/stack-counts", {
    operationId: "countStacks",
    permission: "read",
    subject: "list",
    tag: "stacks",
    summary: "Count stacks by machine, state, condition, main condition or revision.",
    query: countQuery,
    answers: {
      200: { description: "The total, and at most 200 groups; by main condition 1,800.", schema: StackCounts },
    },
    async handle({ query: { by, ...given } }, { caller }) {
      const filter = { ...(await toStackFilter(given, locator)), ...toScopeFilter(caller, "read") };
      return json(200, await store.queries.countStacks(filter, by));
    },
  });
}

function stackRoute({ store, guard, explainer }: RouteDeps): Route {
  return defineRoute("GET", "/v1/stacks/:stackId", {
    operationId: "getStack",
    permission: "read",
    subject: "stack",
    tag: "stacks",
    summary: "Get a stack: its tasks and why each waits, attempts, parked events, timers.",
    params: { stackId: StackId },
    answers: {
      200: { description: "The stack.", schema: StackDetails },
      404: {
        description:
          "STACK_UNKNOWN: the stack does not exist. Its history may exist. `details.parked` lists events that are parked for it.",
      },
    },
    async handle({ params: { stackId } }, { caller }) {
      const [found] = await store.load([stackId]);
      const loaded = found && withReadableParked(caller, found);
      const details = loaded === undefined ? undefined : await explainer.explain(loaded);
      if (details === undefined) throw toUnknownStack(stackId, loaded?.parked.map(toParked) ?? []);
      return json(200, { ...details, attempts: await keepReadable(guard, caller, details.attempts) });
    },
  });
}

/** Returns the error for an unknown stack, with its parked events: they explain why it does not exist. */
function toUnknownStack(stackId: string, parked: readonly ParkedEvent[]): StackyardError {
  const [first] = parked;
  if (first === undefined) return unknownStack(stackId);
  const count = parked.length === 1 ? "1 event is" : `${parked.length} events are`;
  const why = `${first.event}: ${first.code}: ${first.reason} It is tried again at ${first.nextTryAt}, or when its machine changes.`;
  return new StackyardError("STACK_UNKNOWN", `Stack "${stackId}" does not exist yet; ${count} parked for it. ${why}`, {
    details: { stackId, parked },
  });
}

function stackHistoryRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/stacks/:stackId/history", {
    operationId: "listStackHistory",
    permission: "read",
    subject: "list",
    tag: "history",
    summary: "List the history of a stack id, also after the stack was removed.",
    params: { stackId: StackId },
    query: orderQuery,
    answers: historyAnswers,
    async handle({ params, query: { order, ...query } }, { caller }) {
      const filter = { ...params, newestFirst: order !== "oldest" };
      return json(200, await listLines(deps, caller, filter, query));
    },
  });
}

async function listLines(
  { store, subjects }: RouteDeps,
  caller: Caller,
  filter: HistoryFilter,
  query: { readonly cursor?: string; readonly limit?: number },
) {
  const page = await loadVisible(caller, pageInput(query), {
    load: (input) => store.queries.listHistory(filter, input),
    toSubject: (line) => subjects.ofLine(caller.rights, line),
  });
  return toPage(page, historyItem);
}

function historyRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/history", {
    operationId: "listHistory",
    permission: "read",
    subject: "list",
    tag: "history",
    summary: "List the history of the yard.",
    query: { stackId: Type.Optional(StackId), eventId: Type.Optional(EventId), ...orderQuery },
    answers: historyAnswers,
    async handle({ query: { order, stackId, eventId, ...query } }, { caller }) {
      const filter = {
        newestFirst: order !== "oldest",
        ...defined({ stackId, eventId }),
      };
      return json(200, await listLines(deps, caller, filter, query));
    },
  });
}
