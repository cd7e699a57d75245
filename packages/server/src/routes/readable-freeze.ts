import { defined, listPages, type PageStart } from "@stackyard/core";
import type { Freeze } from "@stackyard/core/api";
import { createFits } from "@stackyard/core/engine";
import { findFreeze, type Freeze as KeptFreeze, toUnknownFreeze } from "@stackyard/core/services";
import type { Caller } from "../access/caller.ts";
import { findStackMachine, hasEverywhere, hasWholeMachine } from "../access/guard.ts";
import { mayRead } from "../access/reach.ts";
import { toScopeFilter } from "../access/stack-scopes.ts";
import { toInstant } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Returns a freeze as far as a caller may read it: of all stacks, or what concerns those of the caller; undefined: none of them. */
export async function findReadableFreeze(
  deps: RouteDeps,
  caller: Caller,
  freeze: KeptFreeze,
): Promise<Freeze | undefined> {
  return mayReadAll(caller, freeze) ? toFreezeView(freeze) : findConcern(deps, caller, freeze);
}

/** Returns a freeze of which a caller may read something. Throws the same `NOT_FOUND` for others as for one that does not exist. */
export async function loadReadableFreeze(deps: RouteDeps, caller: Caller, name: string): Promise<KeptFreeze> {
  const freeze = await findFreeze(deps, name);
  if ((await findReadableFreeze(deps, caller, freeze)) !== undefined) return freeze;
  throw toUnknownFreeze(name);
}

/** Returns a freeze as the API has it. */
export function toFreezeView({ version: _, startedAt, by, byId, to, except, ...freeze }: KeptFreeze): Freeze {
  return {
    ...freeze,
    startedAt: toInstant(startedAt),
    startedBy: by,
    ...defined({ startedById: byId, to: toInstant(to) }),
    except: except.map(({ incarnation: __, at, ...each }) => ({ ...each, at: toInstant(at) })),
  };
}

function mayReadAll({ rights }: Caller, { machine }: KeptFreeze): boolean {
  return machine === undefined ? hasEverywhere(rights, "read") : hasWholeMachine(rights, "read", machine);
}

/** Returns what a freeze is for a caller that may read some of the stacks that it may match; undefined: it holds none of them. */
async function findConcern(deps: RouteDeps, caller: Caller, freeze: KeptFreeze): Promise<Freeze | undefined> {
  const { where: _, ...view } = toFreezeView(freeze);
  const fits = createFits(deps, freeze.where);
  const filter = { ...defined({ machine: freeze.machine }), ...toScopeFilter(caller, "read") };
  const load = (start: PageStart) => deps.store.queries.listStacks(filter, { limit: PAGE, ...start });
  for await (const { items } of listPages(load)) {
    for (const { stack } of items) {
      // A stack for which the freeze cannot be decided is not known to be free.
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

const PAGE = 1_000;
