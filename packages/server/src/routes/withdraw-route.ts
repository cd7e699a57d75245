import type { AccessDecision } from "@stackyard/core/access";
import { findParked, parseParkedId, withdrawParked } from "@stackyard/core/engine";
import { Type } from "typebox";
import type { Caller } from "../access/caller.ts";
import { hasEverywhere } from "../access/guard.ts";
import { checkDenied, decideRedrive } from "../access/reach.ts";
import { defineRoute, json, type Route } from "../http/route.ts";
import { maskReason } from "./mask-reason.ts";
import type { RouteDeps } from "./route-deps.ts";

const ids = Type.Array(Type.String({ minLength: 1, maxLength: 2_048 }), { minItems: 1, maxItems: 100 });
const Answer = Type.Object({ withdrawn: Type.Array(Type.String()), unknown: Type.Array(Type.String()) });

/** Defines the route that withdraws parked events. */
export function withdrawRoute(deps: RouteDeps): Route {
  const { store, clock, audit } = deps;
  return defineRoute("POST", "/v1/parked/withdraw", {
    operationId: "withdrawEvents",
    permission: "repair",
    subject: "list",
    audited: true,
    tag: "events",
    summary: "Withdraw parked events: they are never applied, and their ids count as used.",
    body: Type.Object({ ids, reason: Type.String({ minLength: 1, maxLength: 4_096 }) }),
    answers: { 200: { description: "The ids that were found, and those that were not.", schema: Answer } },
    async handle({ body }, { caller, sender }) {
      const known = await findRepairable(deps, { caller, ids: body.ids });
      const reason = await maskReason(store, body.reason, { parked: known });
      const audited = await maskReason(store, `${reason} (${known.join(" ")})`, { parked: known });
      const action = { action: "withdrawEvents", who: sender, via: "api", on: {}, reason: audited };
      const withdraw = () => withdrawParked(store, known, { by: sender.name, reason, now: clock.now() });
      const withdrawn = known.length === 0 ? [] : await audit.run(action, withdraw);
      return json(200, { withdrawn, unknown: body.ids.filter((id) => !withdrawn.includes(id)) });
    },
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
