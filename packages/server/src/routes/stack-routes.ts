import { defined, StackyardError } from "@stackyard/core";
import type { ParkedEvent } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import type { HistoryFilter, ListStacksInput, StoredStack } from "@stackyard/core/engine";
import type { Caller } from "../access/caller.ts";
import { keepReadable, loadVisible, withReadableParked } from "../access/reach.ts";
import { toScopeFilter } from "../access/stack-scopes.ts";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { historyItem } from "../schemas/event.ts";
import { toParked, toStackSummary } from "../schemas/stack.ts";
import { toStackFilter } from "../schemas/stack-query.ts";
import { unknownStack } from "./operation-routes.ts";
import { readOn } from "./read-on.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

const MOST_EXPLAINED = 100;

/** Stacks and their history. */
export function stackRoutes(deps: RouteDeps): readonly Route[] {
  const { store, locator, guard, explainer } = deps;
  return [
    serve(deps, operations.listStacks, async ({ query }, { caller }) => {
      const { cursor, limit, sort, waiting = false, condition = waiting ? "waiting" : "any", ...given } = query;
      const filter = { ...(await toStackFilter({ ...given, condition }, locator)), ...toScopeFilter(caller, "read") };
      const input = { ...pageInput(defined({ cursor, limit })), ...defined({ sort }) };
      const toId = ({ stack }: StoredStack) => stack.id;
      const list = (part: ListStacksInput) => store.queries.listStacks(filter, part);
      const load = (part: ListStacksInput) => (filter.scopes === undefined ? list(part) : readOn(list, part));
      if (!waiting) {
        const page = await load(input);
        return reply(200, toPage(page, { toView: (item) => toStackSummary(item), toId }));
      }
      const page = await load({ ...input, limit: Math.min(input.limit, MOST_EXPLAINED) });
      const reasons = await explainer.explainAll(page.items);
      return reply(200, toPage(page, { toView: (item, index) => toStackSummary(item, reasons[index]), toId }));
    }),
    serve(deps, operations.countStacks, async ({ query: { by, ...given } }, { caller }) => {
      const filter = { ...(await toStackFilter(given, locator)), ...toScopeFilter(caller, "read") };
      return reply(200, await store.queries.countStacks(filter, by));
    }),
    serve(deps, operations.getStack, async ({ params: { stackId } }, { caller }) => {
      const [found] = await store.load([stackId]);
      const loaded = found && withReadableParked(caller, found);
      const details = loaded === undefined ? undefined : await explainer.explain(loaded);
      if (details === undefined) throw toUnknownStack(stackId, loaded?.parked.map(toParked) ?? []);
      return reply(200, { ...details, attempts: await keepReadable(guard, caller, details.attempts) });
    }),
    serve(deps, operations.listStackHistory, async ({ params, query: { order, ...query } }, { caller }) => {
      const filter = { ...params, newestFirst: order !== "oldest" };
      return reply(200, await listLines(deps, caller, filter, query));
    }),
    serve(deps, operations.listHistory, async ({ query: { order, stackId, eventId, ...query } }, { caller }) => {
      const filter = { newestFirst: order !== "oldest", ...defined({ stackId, eventId }) };
      return reply(200, await listLines(deps, caller, filter, query));
    }),
  ];
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
