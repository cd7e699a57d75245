import { defined, isStackyardError, listPages, StackyardError } from "@stackyard/core";
import { toBy } from "@stackyard/core/access";
import * as operations from "@stackyard/core/api/operations";
import type { Bulks, Bulk as KeptBulk, NewBulk } from "@stackyard/core/engine";
import type { Caller } from "../access/caller.ts";
import { forbidden, hasEverywhere } from "../access/guard.ts";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { DRY_RUN_REASON, toBulkItemView, toBulkMessage, toBulkView } from "../schemas/bulk.ts";
import { refuseSensitive } from "../schemas/stack-query.ts";
import { type ChooseInput, chooseItems, planBulk, stalePlan, toReasonSubjects } from "./bulk-items.ts";
import { maskReason } from "./mask-reason.ts";
import { pageOfReadable } from "./readable-page.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

/** Defines the routes of one operation on many stacks or dead letters. */
export function bulkRoutes(deps: RouteDeps): readonly Route[] {
  const { bulks } = deps;
  return [
    startRoute(deps),
    serve(deps, operations.listBulks, async ({ query }, { caller }) => {
      const show = async (items: readonly KeptBulk[]) => ({
        views: items.map((bulk) => (maySeeBulk(caller, bulk) ? bulk : undefined)),
      });
      const page = await pageOfReadable({ list: (page) => bulks.list(page), show }, pageInput(query));
      return reply(200, toPage(page, { toView: toBulkView, toId: ({ id }) => id }));
    }),
    serve(deps, operations.getBulk, async ({ params: { bulkId } }, { caller }) =>
      reply(200, toBulkView(await loadBulk(bulks, caller, bulkId))),
    ),
    serve(deps, operations.listBulkItems, async ({ params: { bulkId }, query: { outcome, ...query } }, { caller }) => {
      const bulk = await loadBulk(bulks, caller, bulkId);
      const page = await bulks.listItems(bulk, { ...pageInput(query), outcome });
      return reply(200, toPage(page, { toView: (item) => toBulkItemView(bulk, item), toId: ({ id }) => id }));
    }),
    cancelRoute(deps),
  ];
}

function startRoute(deps: RouteDeps): Route {
  const { bulks, ids: newIds, locator, store } = deps;
  return serve(deps, operations.startBulk, async ({ body }, { caller, signal, sender, audit }) => {
    const { operation, filter } = body;
    const message = toBulkMessage(body);
    await refuseSensitive(locator, filter);
    const input: ChooseInput = { operation, filter, message, caller };
    const ids = await chooseItems(deps, input);
    const isPlanned = body.dryRun === true || body.plan !== undefined;
    const asked = { ...message, reason: body.reason ?? DRY_RUN_REASON };
    const planned = isPlanned
      ? await planBulk({ ...deps, now: deps.clock.now(), signal }, { ...input, message: asked }, ids)
      : undefined;
    if (body.dryRun === true && planned !== undefined) return reply(200, planned.plan);
    if (planned?.plan.digest !== body.plan) throw stalePlan();
    const id = newIds.next();
    const why = defined({ reason: await maskReason(store, body.reason, toReasonSubjects(input, ids)) });
    const on = { bulkId: id, ...defined({ machine: filter.machine }) };
    const bulk: NewBulk = { id, operation, filter, message, sender, ...why };
    return reply(202, toBulkView(await audit({ on, ...why }, () => bulks.start(bulk, ids, planned?.digests))));
  });
}

function cancelRoute(deps: RouteDeps): Route {
  const { bulks, store } = deps;
  return serve(
    deps,
    operations.cancelBulk,
    async ({ params: { bulkId }, body: { reason: given } }, { caller, sender, audit }) => {
      const bulk = await loadBulk(bulks, caller, bulkId);
      if (!isStarter(caller, bulk) && !hasEverywhere(caller.rights, "repair")) throw forbidden("repair");
      const ids: string[] = [];
      const pages = listPages((page) => bulks.listItems(bulk, { limit: 1_000, ...page }));
      if (given !== undefined) for await (const { items } of pages) ids.push(...items.map((item) => item.id));
      const why = defined({ reason: await maskReason(store, given, toReasonSubjects(bulk, ids)) });
      const cancelled = await audit({ on: { bulkId }, ...why }, () =>
        bulks.cancel(bulkId, { ...toBy(sender), ...why }),
      );
      return reply(200, toBulkView(cancelled));
    },
  );
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
