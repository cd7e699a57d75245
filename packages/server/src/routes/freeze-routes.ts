import { defined, listPages, type PageStart, StackyardError } from "@stackyard/core";
import { type AuditSubject, toBy } from "@stackyard/core/access";
import type { Freeze } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import {
  endFreeze,
  exceptRelease,
  type Freeze as KeptFreeze,
  listFreezes,
  startFreeze,
} from "@stackyard/core/services";
import type { Caller } from "../access/caller.ts";
import { checkWholeMachine, forbidden, hasEverywhere } from "../access/guard.ts";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { listFreezeHolds } from "./freeze-holds.ts";
import { maskReason, withhold } from "./mask-reason.ts";
import { findReadableFreeze, loadReadableFreeze, toFreezeView } from "./readable-freeze.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Defines the routes for freezes: stacks that releases send no new events to. */
export function freezeRoutes(deps: RouteDeps): readonly Route[] {
  return [
    serve(deps, operations.listFreezes, async (_, { caller }) => {
      const items: Freeze[] = [];
      for (const freeze of await listFreezes(deps)) {
        const view = await findReadableFreeze(deps, caller, freeze);
        if (view !== undefined) items.push(view);
      }
      return reply(200, { items });
    }),
    serve(deps, operations.listFreezeHolds, async ({ params: { freeze: name } }, { caller }) => {
      await loadReadableFreeze(deps, caller, name);
      return reply(200, { items: await listFreezeHolds(deps, caller, name) });
    }),
    serve(deps, operations.startFreeze, async ({ body: { to, ...body } }, { caller, sender, audit }) => {
      checkMatched(caller, body);
      const reason = await maskOf(deps, body, body.reason);
      const until = to === undefined ? undefined : Date.parse(to);
      const freeze = { ...body, reason, ...toBy(sender), ...defined({ to: until }) };
      return reply(200, toFreezeView(await audit({ on: toSubject(freeze), reason }, () => startFreeze(deps, freeze))));
    }),
    serve(deps, operations.exceptFromFreeze, async ({ params: { freeze: name }, body }, context) => {
      const { caller, sender, authorize, audit } = context;
      const { release, seen } = body;
      const freeze = await loadReadableFreeze(deps, caller, name);
      checkMatched(caller, freeze);
      await authorize({ permission: "read", subject: "stack" }, { stackId: release });
      const incarnation = await findIncarnation(deps, release);
      const about = await maskReason(deps.store, body.reason, { stackIds: [release] });
      const reason = await maskOf(deps, freeze, about);
      const exception = { release, incarnation, reason, ...toBy(sender) };
      const on = { ...toSubject(freeze), stackId: release };
      return reply(
        200,
        toFreezeView(await audit({ on, reason }, () => exceptRelease(deps, name, exception, toSeen(seen)))),
      );
    }),
    serve(deps, operations.endFreeze, async ({ params: { freeze: name }, body: { reason: given, seen } }, context) => {
      const freeze = await loadReadableFreeze(deps, context.caller, name);
      checkMatched(context.caller, freeze);
      const reason = given === undefined ? undefined : await maskOf(deps, freeze, given);
      const action = { on: toSubject(freeze), ...defined({ reason }) };
      return reply(200, toFreezeView(await context.audit(action, () => endFreeze(deps, name, toSeen(seen)))));
    }),
  ];
}

function toSeen(seen: string | undefined): number | undefined {
  return seen === undefined ? undefined : Date.parse(seen);
}

/** A rule also matches stacks that come later, so a limit of stacks is not enough. */
function checkMatched(caller: Caller, { machine }: Pick<KeptFreeze, "machine">): void {
  if (machine !== undefined) checkWholeMachine(caller, machine);
  else if (!hasEverywhere(caller.rights, "repair")) throw forbidden("repair");
}

const PAGE = 1_000;

/** Returns a reason without the sensitive values of the stacks that a freeze may match. */
async function maskOf({ store }: RouteDeps, { machine }: Pick<KeptFreeze, "machine">, reason: string): Promise<string> {
  const load = (start: PageStart) => store.queries.listStacks(defined({ machine }), { limit: PAGE, ...start });
  let text = reason;
  for await (const { items, unreadable: [damaged] = [] } of listPages(load)) {
    if (damaged !== undefined) return withhold(damaged.id);
    text = await maskReason(store, text, { stackIds: items.map(({ stack }) => stack.id) });
  }
  return text;
}

function toSubject({ name, machine }: Pick<KeptFreeze, "name" | "machine">): AuditSubject {
  return { key: `freezes/${name}`, ...defined({ machine }) };
}

async function findIncarnation({ store }: RouteDeps, release: string): Promise<string> {
  const [loaded] = await store.load([release]);
  if (loaded?.stack !== undefined) return loaded.stack.incarnation;
  throw new StackyardError("STACK_UNKNOWN", `Stack "${release}" does not exist.`);
}
