import { isStackyardError } from "@stackyard/core";
import type { RunsCommandSpec, RunsContext } from "@stackyard/sdk/commands";
import type { Run } from "@stackyard/sdk/runs";
import { type Static, Type } from "typebox";
import { followArgs, reportArgs, runArg } from "./fleet-command.ts";
import { followFleetRun } from "./follow-fleet-run.ts";
import { loadReport, showReport } from "./load-report.ts";
import { toRunExitCode } from "./run-exit-code.ts";

const ShowArgs = Type.Object({ run: runArg, ...reportArgs });

/** `fleet show`: a run as it stands now. */
export const fleetShow: RunsCommandSpec<typeof ShowArgs> = {
  name: "fleet show",
  summary: "Show a run: how many instances of each role stand where, why some failed, failing ones first.",
  examples: [
    {
      command: "stackyard fleet show run-0cc52bd92f8f1ec64f390c9af986e6be --html report.html",
      what: "Also as a page that can be sent to somebody",
    },
  ],
  args: ShowArgs,
  async run(context, args) {
    const run = await findRun(context, args.run);
    await showReport(context, run, await loadReport(context, args.run), args);
    return 0;
  },
};

/** Undefined: a report may be of a task in a machine, which stands under its idempotency key. */
async function findRun({ runs, signal }: RunsContext, runId: string): Promise<Run | undefined> {
  try {
    return await runs.get(runId, { signal });
  } catch (error) {
    if (isStackyardError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

const WatchArgs = Type.Object({ run: runArg, ...reportArgs, giveUpAfter: followArgs.giveUpAfter });

/** `fleet watch`: waits for a run's end. */
export const fleetWatch: RunsCommandSpec<typeof WatchArgs> = {
  name: "fleet watch",
  summary: "Follow a run to its end; the exit code is that of the run.",
  args: WatchArgs,
  run: watch,
};

async function watch(context: RunsContext, args: Static<typeof WatchArgs>): Promise<number> {
  const run = await followFleetRun(context, args.run, args);
  const pages = await loadReport(context, run.runId);
  await showReport(context, run, pages, args);
  return toRunExitCode(run, pages);
}
