import { RUN_MACHINE } from "../machine/run-machine.ts";
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

/**
 * Runs that were taken up and are not closed, in order of their ids. A page may hold fewer than its limit, or none, and
 * still have a next one: the store knows neither executors nor how a run has failed.
 */
export async function listRuns(
  deps: LoadRunDeps & { readonly store: Pick<Store, "listStacks"> },
  { state, executor }: RunFilter,
  page: PageInput,
): Promise<Page<RunView>> {
  const filter: StackFilter = { machine: RUN_MACHINE, ...(state && { state: STATES[state] }) };
  const { items, cursor } = await deps.store.listStacks(filter, page);
  const views = await Promise.all(items.map(({ stack }) => toListedRun(deps, stack)));
  const wanted = views
    .filter((view) => view !== undefined)
    .filter((view) => (state ?? view.state) === view.state && (executor ?? view.executor) === view.executor);
  return { items: wanted, ...(cursor === undefined ? {} : { cursor }) };
}
