import { defined, isUnreadable, listPages } from "@stackyard/core";
import type { FreezeHold } from "@stackyard/core/api";
import { parseAttemptId } from "@stackyard/core/machine";
import { type DeployRow, listRowPages, type RowsInput } from "@stackyard/promotion/deploy";
import type { Caller } from "../access/caller.ts";
import { toScopeFilter } from "../access/stack-scopes.ts";
import { keepReadable } from "./readable-rows.ts";
import type { RouteDeps } from "./route-deps.ts";

const PAGE = 100;
const MOST_EXAMPLES = 3;

/**
 * Lists what a freeze holds now: the tasks of releases that wait for it, with the stacks that the caller may read, and those
 * whose rows cannot be read, because they may wait for it too.
 */
export async function listFreezeHolds(deps: RouteDeps, caller: Caller, freeze: string): Promise<readonly FreezeHold[]> {
  const { store } = deps;
  const filter = { executor: "deploy", ...toScopeFilter(caller, "read") };
  const found: FreezeHold[] = [];
  for await (const { items } of listPages((start) =>
    store.queries.listOpenAttempts(filter, { limit: PAGE, ...start }),
  )) {
    for (const { attemptId, stackId, task } of items) {
      const incarnation = parseAttemptId(attemptId)?.incarnation ?? "";
      const { rows, problem } = await listHeld(deps, { stackId, incarnation, task }, freeze);
      const stacks = await keepReadable(deps, caller, rows);
      if (stacks.length === 0 && problem === undefined) continue;
      const examples = stacks.slice(0, MOST_EXAMPLES).map(({ stack }) => stack);
      found.push({ release: stackId, task, stacks: stacks.length, examples, ...defined({ problem }) });
    }
  }
  return found;
}

interface Held {
  readonly rows: readonly DeployRow[];
  /** Why rows may be missing. */
  readonly problem?: string;
}

/** The other tasks are listed although rows of one cannot be read. Its own task fails for it. */
async function listHeld({ records, clock }: RouteDeps, owner: RowsInput["owner"], freeze: string): Promise<Held> {
  const held: DeployRow[] = [];
  try {
    for await (const rows of listRowPages({ records, clock, owner })) {
      held.push(...rows.filter((row) => row.freeze === freeze));
    }
    return { rows: held };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { rows: held, problem: error.message };
  }
}
