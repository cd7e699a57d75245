import type { RunsCommandSpec, RunsContext } from "@stackyard/sdk/commands";
import { type Static, Type } from "typebox";
import { followArgs, reportArgs, runArg } from "./fleet-command.ts";
import { followFleetRun } from "./follow-fleet-run.ts";
import { loadReport, showReport } from "./load-report.ts";

const Args = Type.Object({
  run: runArg,
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096, description: "Stands in the history." })),
  ...reportArgs,
  ...followArgs,
});
type Args = Static<typeof Args>;

/** `fleet cancel`: sends nothing more and cancels what runs. */
export const fleetCancel: RunsCommandSpec<typeof Args> = {
  name: "fleet cancel",
  summary: "Send nothing more, ask the commands that run to stop, and wait until they have.",
  description: "Exit code 1: the run had ended already. What has run on an instance stays as it is.",
  args: Args,
  run: cancel,
};

async function cancel(context: RunsContext, args: Args): Promise<number> {
  const { runs, out, signal } = context;
  const before = await runs.get(args.run, { signal });
  if (before.endedAt !== undefined) {
    out.result({ run: before }, () => `The run ${args.run} has ended already: ${before.state}.`);
    return 1;
  }
  const asked = await runs.cancel(args.run, { signal, ...(args.reason === undefined ? {} : { reason: args.reason }) });
  if (args.detach === true) {
    out.result({ run: asked }, () => `The run ${args.run} was asked to stop.`);
    return 0;
  }
  const run = await followFleetRun(context, args.run, args);
  await showReport(context, run, await loadReport(context, run.runId), args);
  return run.state === "succeeded" ? 1 : 0;
}
