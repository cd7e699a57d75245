import { isStackyardError } from "@stackyard/core";
import { parseDuration } from "@stackyard/core/machine";
import type { Run } from "@stackyard/sdk/runs";
import type { FleetInstanceReport } from "../fleet-report.ts";
import { toCell } from "../report/clean-text.ts";
import { findSaid } from "../report/group-failures.ts";
import { isFailing, toFleetReport } from "../report/to-fleet-report.ts";
import type { FleetContext } from "./fleet-command.ts";
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
export async function followRun(
  context: FleetContext,
  runId: string,
  { giveUpAfter, after }: FollowOptions = {},
): Promise<Run> {
  const { runs, signal, pollMs } = context;
  const timeoutMs = giveUpAfter === undefined ? undefined : parseDuration(giveUpAfter);
  const look = createLook(context);
  try {
    return await runs.wait(runId, {
      ...{ signal, onLook: look },
      ...(pollMs === undefined ? {} : { pollMs }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(after === undefined ? {} : { after }),
    });
  } catch (error) {
    if (isStackyardError(error, "TIMED_OUT") || isStackyardError(error, "INTERRUPTED")) {
      context.out.note(
        `The run goes on. Look again: stackyard fleet watch ${runId}. Stop it: stackyard fleet cancel ${runId}`,
      );
    }
    throw error;
  }
}

/** Failures that are told one by one; the table at the end has them all. */
const MOST_TOLD = 20;

function createLook(context: FleetContext): (run: Run) => Promise<void> {
  const told = new Set<string>();
  let failedBefore = 0;
  let last = "";
  return async (run) => {
    const counts = (await findFirstPage(context, run.runId))?.counts;
    const line = tellProgress(run, counts);
    const { runId, state } = run;
    if (line !== last) context.out.progress({ kind: "progress", runId, state, counts: counts ?? null }, () => line);
    last = line;
    const failed = counts?.failed ?? 0;
    if (failed > failedBefore && told.size < MOST_TOLD) await tellFailures(context, runId, told);
    failedBefore = failed;
  };
}

async function tellFailures(context: FleetContext, runId: string, told: Set<string>): Promise<void> {
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
