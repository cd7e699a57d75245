import { defined, listPages } from "@stackyard/core";
import type { Board } from "@stackyard/core/api";
import { evaluateHealth, type StoredStack, type UnreadableRow } from "@stackyard/core/engine";
import type { Machine } from "@stackyard/core/machine";
import { type BoardArrival, listBoardArrivals } from "@stackyard/core/services";
import type { Caller } from "../access/caller.ts";
import { mayRead } from "../access/reach.ts";
import { toScopeFilter } from "../access/stack-scopes.ts";
import { toInstant } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";

type Reader = Pick<Caller, "rights">;

/** The releases of a board. */
export interface BoardReleases extends Pick<Board, "releases" | "unreadable"> {
  /** When each of them was created that the caller may read, also those that are not listed. */
  readonly created: readonly number[];
  /** Where those that are listed are on their way to. */
  readonly arrivals: readonly (BoardArrival & { readonly release: string })[];
}

const PAGE = 500;
const MOST_RELEASES = 20;
const MOST_UNREADABLE = 100;

/** Lists the newest releases of a machine, and where they are on their way to. */
export async function listBoardReleases(deps: RouteDeps, caller: Reader, machine: Machine): Promise<BoardReleases> {
  let newest: StoredStack[] = [];
  const created: number[] = [];
  const broken: UnreadableRow[] = [];
  const isReadable = (stackId: string) => mayRead(caller, { kind: "stack", stackId, machine: machine.name });
  for await (const { items, unreadable = [] } of listStackPages(deps, caller, machine.name)) {
    newest.push(...items);
    created.push(...items.map(({ stack }) => stack.createdAt));
    if (newest.length > 2 * MOST_RELEASES) newest = keepNewest(newest);
    broken.push(...unreadable.filter(({ id }) => isReadable(id)));
  }
  const kept = keepNewest(newest);
  const reasons = await deps.explainer.explainAll(kept);
  const releases = kept.map(({ stack }, index) => {
    const { id, state, createdAt } = stack;
    // Without a reason a part of the stack cannot be read, or it was removed meanwhile. Its record still has a condition.
    const { mainCondition = evaluateHealth(stack).main, summary } = reasons[index] ?? {};
    return { id, state, condition: mainCondition, createdAt: toInstant(createdAt), ...defined({ waits: summary }) };
  });
  const arrivals = kept.flatMap(({ stack }, index) =>
    listBoardArrivals(machine, stack, reasons[index]?.tasks ?? []).map((each) => ({ release: stack.id, ...each })),
  );
  const problems = broken.slice(0, MOST_UNREADABLE).map(({ id, reason }) => ({ id, problem: reason }));
  return { releases, created, arrivals, ...(problems.length > 0 && { unreadable: problems }) };
}

function keepNewest(items: readonly StoredStack[]): StoredStack[] {
  return items.toSorted((a, b) => b.stack.createdAt - a.stack.createdAt).slice(0, MOST_RELEASES);
}

/** Reads the stacks of a machine that the caller may read, page by page. */
export function listStackPages({ store }: Pick<RouteDeps, "store">, caller: Reader, machine: string) {
  const filter = { machine, ...toScopeFilter(caller, "read") };
  return listPages((start) => store.queries.listStacks(filter, { limit: PAGE, sort: "id", ...start }));
}
