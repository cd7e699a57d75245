import { RUN_MACHINE } from "../machine/run-machine.ts";
import { createPageBuilder } from "../ports/page-builder.ts";
import type { Page, PageInput } from "../ports/records.ts";
import type { StackFilter } from "../ports/stack-queries.ts";
import type { Store } from "../ports/store.ts";
import { type LoadRunDeps, toListedRun } from "./load-run.ts";
import type { RunState, RunView } from "./to-run-view.ts";

/** Which runs are listed; what is left out does not matter. */
export interface RunFilter {
  readonly state?: RunState;
  readonly executor?: string;
}

const STATES = {
  waiting: "RUN",
  running: "RUN",
  succeeded: "DONE",
  failed: "FAILED",
  cancelled: "FAILED",
} as const satisfies Record<RunState, string>;

/** Runs that are looked at together: each brings its attempts and a part of its history. */
const AT_ONCE = 10;

/**
 * Runs that were taken up and are not closed, in order of their ids. A page may hold fewer than its limit, or none, and
 * still have a next one: the store knows neither executors nor how a run has failed, and a run is larger than its stack.
 */
export async function listRuns(
  deps: LoadRunDeps & { readonly store: Pick<Store, "queries"> },
  { state, executor }: RunFilter,
  page: PageInput,
): Promise<Page<RunView>> {
  const filter: StackFilter = { machine: RUN_MACHINE, ...(state && { state: STATES[state] }) };
  const { items, cursor, unreadable = [] } = await deps.store.queries.listStacks(filter, page);
  const found = createPageBuilder<RunView>(page);
  const isWanted = (view: RunView) =>
    (state ?? view.state) === view.state && (executor ?? view.executor) === view.executor;
  for (let from = 0; from < items.length; from += AT_ONCE) {
    const part = items.slice(from, from + AT_ONCE);
    const views = await Promise.all(part.map(({ stack }) => toListedRun(deps, stack)));
    for (const view of views) {
      if (view === undefined || !isWanted(view)) continue;
      const bytes = Buffer.byteLength(JSON.stringify(view));
      // A stack's id is a cursor of the list of stacks.
      if (!found.add({ id: view.runId, cursor: view.runId, bytes, read: () => view })) return found.end();
    }
  }
  return { ...found.end(cursor), ...(unreadable.length === 0 ? {} : { unreadable }) };
}
