import { defined, listPages, type PageStart, StackyardError } from "@stackyard/core";
import type { AuditSubject } from "@stackyard/core/access";
import type { Freeze } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import { createFits } from "@stackyard/core/engine";
import {
  endFreeze,
  exceptRelease,
  findFreeze,
  type Freeze as KeptFreeze,
  listFreezes,
  startFreeze,
} from "@stackyard/core/services";
import type { Caller } from "../access/caller.ts";
import { checkWholeMachine, findStackMachine, forbidden, hasEverywhere } from "../access/guard.ts";
import { mayRead } from "../access/reach.ts";
import { toScopeFilter } from "../access/stack-scopes.ts";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toInstant } from "../schemas/event.ts";
import { listFreezeHolds } from "./freeze-holds.ts";
import { maskReason, withhold } from "./mask-reason.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Defines the routes for freezes: stacks that releases send no new events to. */
export function freezeRoutes(deps: RouteDeps): readonly Route[] {
  return [
    serve(deps, operations.listFreezes, async (_, { caller }) => {
      const items: Freeze[] = [];
      for (const freeze of await listFreezes(deps)) {
        const view = mayReadAll(caller, freeze) ? toView(freeze) : await findConcern(deps, caller, freeze);
        if (view !== undefined) items.push(view);
      }
      return reply(200, { items });
    }),
    serve(deps, operations.listFreezeHolds, async ({ params: { freeze: name } }, { caller }) => {
      await findFreeze(deps, name);
      return reply(200, { items: await listFreezeHolds(deps, caller, name) });
    }),
    serve(deps, operations.startFreeze, async ({ body: { to, ...body } }, { caller, sender, audit }) => {
      checkMatched(caller, body);
      const reason = await maskOf(deps, body, body.reason);
      const until = to === undefined ? undefined : Date.parse(to);
      const freeze = { ...body, reason, by: sender.name, ...defined({ to: until }) };
      return reply(200, toView(await audit({ on: toSubject(freeze), reason }, () => startFreeze(deps, freeze))));
    }),
    serve(deps, operations.exceptFromFreeze, async ({ params: { freeze: name }, body }, context) => {
      const { caller, sender, authorize, audit } = context;
      const { release } = body;
      const freeze = await findFreeze(deps, name);
      checkMatched(caller, freeze);
      await authorize({ permission: "read", subject: "stack" }, { stackId: release });
      const incarnation = await findIncarnation(deps, release);
      const about = await maskReason(deps.store, body.reason, { stackIds: [release] });
      const reason = await maskOf(deps, freeze, about);
      const exception = { release, incarnation, reason, by: sender.name };
      const on = { ...toSubject(freeze), stackId: release };
      return reply(200, toView(await audit({ on, reason }, () => exceptRelease(deps, name, exception))));
    }),
    serve(deps, operations.endFreeze, async ({ params: { freeze: name }, body: { reason: given } }, context) => {
      const freeze = await findFreeze(deps, name);
      checkMatched(context.caller, freeze);
      const reason = given === undefined ? undefined : await maskOf(deps, freeze, given);
      const action = { on: toSubject(freeze), ...defined({ reason }) };
      return reply(200, toView(await context.audit(action, () => endFreeze(deps, name))));
    }),
  ];
}

function mayReadAll({ rights }: Caller, { machine }: KeptFreeze): boolean {
  if (machine === undefined) return hasEverywhere(rights, "read");
  return rights.some(({ permissions, machines, stacks }) => {
    return permissions.has("read") && stacks === undefined && machines?.includes(machine) !== false;
  });
}

/** Returns what a freeze is for a caller that may read some of the stacks that it may match; undefined: it holds none of them. */
async function findConcern(deps: RouteDeps, caller: Caller, freeze: KeptFreeze): Promise<Freeze | undefined> {
  const { where: _, ...view } = toView(freeze);
  const fits = createFits(deps, freeze.where);
  const filter = { ...defined({ machine: freeze.machine }), ...toScopeFilter(caller, "read") };
  const load = (start: PageStart) => deps.store.queries.listStacks(filter, { limit: PAGE, ...start });
  for await (const { items } of listPages(load)) {
    for (const { stack } of items) {
      // Of one of which it cannot be decided it is not known that it is free.
      if (!(await fits(stack).catch(() => true))) continue;
      return { ...view, except: await keepReadableReleases(deps, caller, view.except) };
    }
  }
  return undefined;
}

async function keepReadableReleases({ store }: RouteDeps, caller: Caller, except: Freeze["except"]) {
  const kept: Freeze["except"][number][] = [];
  for (const each of except) {
    const machine = await findStackMachine(store, each.release);
    if (mayRead(caller, { kind: "stack", stackId: each.release, ...defined({ machine }) })) kept.push(each);
  }
  return kept;
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

function toView({ version: _, startedAt, by, to, except, ...freeze }: KeptFreeze): Freeze {
  return {
    ...freeze,
    startedAt: toInstant(startedAt),
    startedBy: by,
    ...defined({ to: toInstant(to) }),
    except: except.map(({ incarnation: __, at, ...each }) => ({ ...each, at: toInstant(at) })),
  };
}
