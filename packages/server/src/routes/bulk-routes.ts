import { defined, isStackyardError, listPages, StackyardError } from "@stackyard/core";
import { Bulk, BulkItem, BulkOutcome, BulkPlan } from "@stackyard/core/api";
import type { Bulks, Bulk as KeptBulk, NewBulk } from "@stackyard/core/engine";
import { Type } from "typebox";
import type { Caller } from "../access/caller.ts";
import { forbidden, hasEverywhere } from "../access/guard.ts";
import { defineRoute, json, type Route, type RouteContext } from "../http/route.ts";
import { BulkBody, DRY_RUN_REASON, toBulkItemView, toBulkMessage, toBulkView } from "../schemas/bulk.ts";
import { pageOf, pageQuery } from "../schemas/event.ts";
import { refuseSensitive } from "../schemas/stack-query.ts";
import { type ChooseInput, chooseItems, planBulk, toReasonSubjects } from "./bulk-items.ts";
import { maskReason } from "./mask-reason.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

/** Defines the routes of one operation on many stacks or dead letters. */
export function bulkRoutes(deps: RouteDeps): readonly Route[] {
  return [startRoute(deps), listRoute(deps), bulkRoute(deps), itemsRoute(deps), cancelRoute(deps)];
}

const BulkId = Type.String({ minLength: 1, maxLength: 64 });

function startRoute(deps: RouteDeps): Route {
  return defineRoute("POST", "/v1/bulk", {
    operationId: "startBulk",
    permission: "send",
    subject: "items",
    audited: true,
    tag: "bulk",
    summary:
      "Do the same to many stacks or dead letters, at most 10,000. They are chosen once, and any server carries on where one has stopped. A dry run reports what would happen.",
    body: BulkBody,
    answers: {
      200: { description: "What a dry run has found.", schema: BulkPlan },
      202: { description: "It is under way.", schema: Bulk },
      403: { description: "FORBIDDEN: the operation's permission is missing for one of the items." },
      409: { description: "BULK_CHANGED: `expect` differs from the number of items." },
      422: { description: "FILTER_TOO_WIDE" },
    },
    async handle({ body }, context) {
      const { caller, signal } = context;
      const message = toBulkMessage(body);
      await refuseSensitive(deps.locator, body.filter);
      const input: ChooseInput = { operation: body.operation, filter: body.filter, message, caller };
      const ids = await chooseItems(deps, input);
      if (body.dryRun === true) {
        const planned = { ...input, message: { ...message, reason: body.reason ?? DRY_RUN_REASON } };
        return json(200, await planBulk({ ...deps, now: deps.clock.now(), signal }, planned, ids));
      }
      if (body.expect !== undefined && body.expect !== ids.length) throw changed(body.expect, ids.length);
      const reason = await maskReason(deps.store, body.reason, toReasonSubjects(input, ids));
      return json(
        202,
        toBulkView(await start(deps, { body: { ...body, ...defined({ reason }) }, message, ids }, context)),
      );
    },
  });
}

interface StartInput {
  readonly body: BulkBody;
  readonly message: Readonly<Record<string, unknown>>;
  readonly ids: readonly string[];
}

function start(
  { ids: newIds, bulks, audit }: RouteDeps,
  { body, message, ids }: StartInput,
  { sender }: RouteContext,
): Promise<KeptBulk> {
  const { operation, filter, reason } = body;
  const id = newIds.next();
  const why = defined({ reason });
  const bulk: NewBulk = { id, operation, filter, message, sender, ...why };
  const on = { bulkId: id, ...defined({ machine: filter.machine }) };
  return audit.run({ action: "startBulk", who: sender, via: "api", on, ...why }, () => bulks.start(bulk, ids));
}

function changed(expected: number, found: number): StackyardError {
  const message = `The filter matches ${found} items now, not ${expected}. Make another dry run.`;
  return new StackyardError("BULK_CHANGED", message, { details: { expected, found } });
}

function listRoute({ bulks }: RouteDeps): Route {
  return defineRoute("GET", "/v1/bulk", {
    operationId: "listBulks",
    permission: "read",
    subject: "list",
    tag: "bulk",
    summary: "Bulk operations of the last 7 days, newest first. Who may not read the whole yard sees their own.",
    query: pageQuery,
    answers: { 200: { description: "A page.", schema: pageOf(Bulk) } },
    async handle({ query }, { caller }) {
      const page = await bulks.list(pageInput(query));
      const items = page.items.filter((bulk) => maySeeBulk(caller, bulk));
      return json(200, toPage({ ...page, items }, { toView: toBulkView, toId: ({ id }) => id }));
    },
  });
}

function bulkRoute({ bulks }: RouteDeps): Route {
  return defineRoute("GET", "/v1/bulk/:bulkId", {
    operationId: "getBulk",
    permission: "read",
    subject: "list",
    tag: "bulk",
    summary: "One bulk operation and how far it is.",
    params: { bulkId: BulkId },
    answers: { 200: { description: "The operation.", schema: Bulk }, 404: { description: "NOT_FOUND" } },
    async handle({ params: { bulkId } }, { caller }) {
      return json(200, toBulkView(await loadBulk(bulks, caller, bulkId)));
    },
  });
}

function itemsRoute({ bulks }: RouteDeps): Route {
  return defineRoute("GET", "/v1/bulk/:bulkId/items", {
    operationId: "listBulkItems",
    permission: "read",
    subject: "list",
    tag: "bulk",
    summary: "The items of a bulk operation in their order, and what became of each.",
    params: { bulkId: BulkId },
    query: { outcome: Type.Optional(BulkOutcome), ...pageQuery },
    answers: { 200: { description: "A page.", schema: pageOf(BulkItem) }, 404: { description: "NOT_FOUND" } },
    async handle({ params: { bulkId }, query: { outcome, ...query } }, { caller }) {
      const bulk = await loadBulk(bulks, caller, bulkId);
      const page = await bulks.listItems(bulk, { ...pageInput(query), outcome });
      return json(200, toPage(page, { toView: (item) => toBulkItemView(bulk, item), toId: ({ id }) => id }));
    },
  });
}

function cancelRoute({ bulks, audit, store }: RouteDeps): Route {
  const reason = Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 }));
  return defineRoute("POST", "/v1/bulk/:bulkId/cancel", {
    operationId: "cancelBulk",
    permission: "read",
    subject: "list",
    audited: true,
    tag: "bulk",
    summary:
      "End a bulk operation after the items that are sent, at most 50. The one who started it may do so, and callers with `repair`.",
    params: { bulkId: BulkId },
    body: Type.Object({ reason }),
    answers: {
      200: { description: "The operation; one that had ended is unchanged.", schema: Bulk },
      403: { description: "FORBIDDEN" },
      404: { description: "NOT_FOUND" },
    },
    async handle({ params: { bulkId }, body }, { caller, sender }) {
      const bulk = await loadBulk(bulks, caller, bulkId);
      if (!isStarter(caller, bulk) && !hasEverywhere(caller.rights, "repair")) throw forbidden("repair");
      const ids: string[] = [];
      const pages = listPages((page) => bulks.listItems(bulk, { limit: 1_000, ...page }));
      if (body.reason !== undefined) for await (const { items } of pages) ids.push(...items.map((item) => item.id));
      const why = defined({ reason: await maskReason(store, body.reason, toReasonSubjects(bulk, ids)) });
      const action = { action: "cancelBulk", who: sender, via: "api", on: { bulkId }, ...why };
      return json(200, toBulkView(await audit.run(action, () => bulks.cancel(bulkId, { by: sender.name, ...why }))));
    },
  });
}

/** Throws `NOT_FOUND`, also for a bulk that the caller may not see. */
async function loadBulk(bulks: Bulks, caller: Caller, id: string): Promise<KeptBulk> {
  const found = await bulks.find(id).catch((error: unknown) => {
    // An id that no record may have.
    if (isStackyardError(error, "USAGE")) return undefined;
    throw error;
  });
  if (found !== undefined && maySeeBulk(caller, found.bulk)) return found.bulk;
  throw new StackyardError("NOT_FOUND", `The bulk operation "${id}" does not exist.`);
}

/** Returns true for the starter and for callers that read the whole yard: a bulk's items may be anywhere. */
export function maySeeBulk(caller: Caller, bulk: KeptBulk): boolean {
  return isStarter(caller, bulk) || hasEverywhere(caller.rights, "read");
}

function isStarter({ sender }: Caller, bulk: KeptBulk): boolean {
  return sender.kind === bulk.sender.kind && sender.id === bulk.sender.id;
}
