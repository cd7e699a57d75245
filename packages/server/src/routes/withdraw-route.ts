import type { AccessDecision } from "@stackyard/core/access";
import * as operations from "@stackyard/core/api/operations";
import { findParked, parseParkedId, withdrawParked } from "@stackyard/core/engine";
import type { Caller } from "../access/caller.ts";
import { hasEverywhere } from "../access/guard.ts";
import { checkDenied, decideRedrive } from "../access/reach.ts";
import type { Route } from "../http/route.ts";
import { replyEach, serve } from "../http/serve.ts";
import { maskReason } from "./mask-reason.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Defines the route that withdraws parked events. */
export function withdrawRoute(deps: RouteDeps): Route {
  const { store, clock } = deps;
  return serve(deps, operations.withdrawEvents, async ({ body }, { caller, sender, audit }) => {
    const known = await findRepairable(deps, { caller, ids: body.ids });
    const reason = await maskReason(store, body.reason, { parked: known });
    const audited = await maskReason(store, `${reason} (${known.join(" ")})`, { parked: known });
    const withdraw = () => withdrawParked(store, known, { by: sender.name, reason, now: clock.now() });
    const withdrawn = known.length === 0 ? [] : await audit({ on: {}, reason: audited }, withdraw);
    return replyEach({ withdrawn, unknown: body.ids.filter((id) => !withdrawn.includes(id)) });
  });
}

/** Returns the ids of parked events that the caller may read. Throws `FORBIDDEN` when it may not repair one of them. */
async function findRepairable(
  deps: RouteDeps,
  { caller, ids }: { readonly caller: Caller; readonly ids: readonly string[] },
): Promise<readonly string[]> {
  if (hasEverywhere(caller.rights, "repair")) return ids;
  const found = new Map<string, AccessDecision>();
  for (const id of ids) found.set(id, await decide(deps, caller, id));
  checkDenied(
    ids.flatMap((id, index) => (found.get(id) === "forbidden" ? [{ index, permission: "repair" as const }] : [])),
  );
  return ids.filter((id) => found.get(id) === "allowed");
}

async function decide({ store, guard }: RouteDeps, caller: Caller, id: string): Promise<AccessDecision> {
  const name = parseParkedId(id);
  const [loaded] = name === undefined ? [] : await store.load([name.stackId]);
  const [parked] = name === undefined || loaded === undefined ? [] : findParked(loaded, [name]);
  return parked === undefined ? "absent" : decideRedrive(guard, caller, parked.event);
}
