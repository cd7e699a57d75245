import { StackyardError } from "@stackyard/core";
import type { RunsCommandSpec, RunsContext } from "@stackyard/sdk/commands";
import type { Run } from "@stackyard/sdk/runs";
import { type Static, Type } from "typebox";
import type { FleetReportPage } from "../fleet-report.ts";
import { isFailing, toFleetReport } from "../report/to-fleet-report.ts";
import { followArgs, reportArgs, runArg } from "./fleet-command.ts";
import { followFleetRun } from "./follow-fleet-run.ts";
import { loadReport, showReport } from "./load-report.ts";
import { toRunExitCode } from "./run-exit-code.ts";

const Args = Type.Object({
  run: runArg,
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096, description: "Stands in the history." })),
  ...reportArgs,
  ...followArgs,
});
type Args = Static<typeof Args>;

/** `fleet retry`: goes on with exactly those instances that did not succeed. */
export const fleetRetry: RunsCommandSpec<typeof Args> = {
  name: "fleet retry",
  summary: "Run again on exactly the instances that failed, were cancelled or were not sent to.",
  description:
    "A run that has failed goes on under its own id. One that counts as a success, because no more failed than may, gets a new run.",
  args: Args,
  run: retry,
};

async function retry(context: RunsContext, args: Args): Promise<number> {
  const { runs, out, signal } = context;
  const before = await runs.get(args.run, { signal });
  if (before.endedAt === undefined) {
    throw new StackyardError("OUTCOME_NEGATIVE", `The run "${args.run}" goes on: cancel it or wait for its end first.`);
  }
  const pages = await loadReport(context, args.run);
  const failing = toFleetReport(pages).instances.filter(isFailing);
  if (before.state === "succeeded" && failing.length === 0) {
    out.result({ run: before }, () => `No instance of the run ${args.run} has failed: nothing to do.`);
    return 0;
  }
  const isOver = before.state === "succeeded";
  const started = isOver
    ? await startAnew(
        context,
        before,
        failing.map(({ instanceId }) => instanceId),
      )
    : await runs.retry(args.run, { signal, ...(args.reason === undefined ? {} : { reason: args.reason }) });
  if (args.detach === true) {
    out.result({ run: started }, () => started.runId);
    return 0;
  }
  out.note(`Run ${started.runId}: ${failing.length === 0 ? "again" : `again on ${failing.length} instances`}`);
  const after = isOver ? undefined : before.endedAt;
  const run = await followFleetRun(context, started.runId, { ...args, ...(after === undefined ? {} : { after }) });
  return end(context, run, args);
}

/**
 * What a config says of a plan, or of how many there must be, does not count here. What it selects by does: instances that
 * are named are looked at with it again, and one that has lost its tag since then is none of the run's.
 */
const NOT_AGAIN: ReadonlySet<string> = new Set(["instanceIds", "instance", "dryRun", "wait", "allowEmpty"]);

async function startAnew({ runs, signal }: RunsContext, run: Run, instanceIds: readonly string[]): Promise<Run> {
  const rest = Object.entries(run.config).filter(([key]) => !NOT_AGAIN.has(key));
  const { account, region } = run.target ?? {};
  const target =
    typeof account === "string" && typeof region === "string" ? { ...run.target, account, region } : undefined;
  const config = { ...Object.fromEntries(rest), instanceIds };
  return runs.start({ executor: run.executor, config, ...(target && { target }) }, { signal });
}

async function end(context: RunsContext, run: Run, args: Args): Promise<number> {
  const pages: readonly FleetReportPage[] = await loadReport(context, run.runId);
  await showReport(context, run, pages, args);
  return toRunExitCode(run, pages);
}
