import { createProgressTeller, followRun, type RunsContext } from "@stackyard/sdk/commands";
import type { Run } from "@stackyard/sdk/runs";
import type { FleetInstanceReport } from "../fleet-report.ts";
import { toCell } from "../report/clean-text.ts";
import { findSaid } from "../report/group-failures.ts";
import { isFailing, toFleetReport } from "../report/to-fleet-report.ts";
import { findFirstPage, loadReport } from "./load-report.ts";
import { tellProgress } from "./tell-run-state.ts";

/** How a run is followed. */
export interface FollowOptions {
  readonly giveUpAfter?: string;
  /** The end of before the run was asked to go on. */
  readonly after?: string;
}

/**
 * Waits for the end of a run and tells how far it is, and each instance that fails, as it happens. Throws `TIMED_OUT` and
 * `INTERRUPTED`: the run goes on then, and people are told how to get back to it.
 */
export function followFleetRun(
  context: RunsContext,
  runId: string,
  { giveUpAfter, after }: FollowOptions = {},
): Promise<Run> {
  return followRun(context, runId, {
    onLook: createLook(context),
    hint: `Look again: stackyard fleet watch ${runId}. Stop it: stackyard fleet cancel ${runId}`,
    ...(giveUpAfter === undefined ? {} : { giveUpAfter }),
    ...(after === undefined ? {} : { after }),
  });
}

/** Failures that are told one by one; the table at the end has them all. */
const MOST_TOLD = 20;

function createLook(context: RunsContext): (run: Run) => Promise<void> {
  const told = new Set<string>();
  const tell = createProgressTeller(context.out);
  let failedBefore = 0;
  return async (run) => {
    const counts = (await findFirstPage(context, run.runId))?.counts;
    tell(run, tellProgress(run, counts), { counts: counts ?? null });
    const failed = counts?.failed ?? 0;
    if (failed > failedBefore && told.size < MOST_TOLD) await tellFailures(context, run.runId, told);
    failedBefore = failed;
  };
}

async function tellFailures(context: RunsContext, runId: string, told: Set<string>): Promise<void> {
  const { instances } = toFleetReport(await loadReport(context, runId));
  const fresh = instances.filter((each) => isFailing(each) && each.state !== "not-sent" && !told.has(each.instanceId));
  for (const instance of fresh.slice(0, MOST_TOLD - told.size)) {
    told.add(instance.instanceId);
    context.out.note(tellFailure(instance));
  }
  if (told.size >= MOST_TOLD) context.out.note("More that fail are not told one by one; the report has them all.");
}

function tellFailure(instance: FleetInstanceReport): string {
  const { instanceId, state, code = "", responseCode } = instance;
  const exit = responseCode === undefined || responseCode === -1 ? "" : ` (exit code ${responseCode})`;
  const said = findSaid(instance);
  return `${toCell(instanceId)} ${state} ${toCell(code)}${exit}${said === undefined ? "" : `: ${toCell(said, 120)}`}`;
}
