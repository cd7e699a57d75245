import { keyArg, loadConfigFile, type RunsCommandSpec, type RunsContext } from "@stackyard/sdk/commands";
import { type Static, Type } from "typebox";
import { followArgs, reportArgs } from "./fleet-command.ts";
import { followFleetRun } from "./follow-fleet-run.ts";
import { loadReport, showReport } from "./load-report.ts";
import { toRunExitCode } from "./run-exit-code.ts";
import { runArgs, toRunConfig, toRunTarget } from "./to-run-config.ts";

const PlanArgs = Type.Object({ ...runArgs, ...reportArgs, giveUpAfter: followArgs.giveUpAfter });

const RunArgs = Type.Object({
  ...runArgs,
  key: keyArg,
  ...reportArgs,
  ...followArgs,
});
type RunArgs = Static<typeof RunArgs>;

/** `fleet plan`: a run that selects and plans and sends nothing. */
export const fleetPlan: RunsCommandSpec<typeof PlanArgs> = {
  name: "fleet plan",
  summary: "Show on which instances a run would work. Sends nothing.",
  description: "The instances are looked up by the yard, with its permissions. Exit code 1: none is selected.",
  examples: [
    { command: "stackyard fleet plan --tag-key Role --tag-value web", what: "All instances with the tag Role=web" },
  ],
  args: PlanArgs,
  run: (context, args) => startRun(context, args, { isPlan: true }),
};

/** `fleet run`: starts a run and follows it to its end. */
export const fleetRun: RunsCommandSpec<typeof RunArgs> = {
  name: "fleet run",
  summary: "Run a command on the instances of a fleet, and wait for their answers.",
  description:
    "Exit code 2: it has failed and instances were worked on; `fleet retry` goes on with those that failed. Ctrl-C leaves the run alone.",
  examples: [
    {
      command: "stackyard fleet run --artifact s3://my-artifacts/site/app.zip --max-errors 5%",
      what: "Apply an artifact's playbook to every instance with the tag has_ssm_agent",
    },
    {
      command:
        "stackyard fleet run --document AWS-RunShellScript --parameter commands=uptime --instance-id i-0123456789abcdef0",
      what: "One command on one instance",
    },
    {
      command: "stackyard fleet run --profile patch-scan --tag-key Role --tag-value db --html report.html",
      what: "Look for missing patches, and keep the report",
    },
  ],
  args: RunArgs,
  run: (context, args) => startRun(context, args, { isPlan: false }),
};

async function startRun(
  context: RunsContext,
  args: RunArgs,
  { isPlan }: { readonly isPlan: boolean },
): Promise<number> {
  const { runs, out, signal, cwd } = context;
  const config = { ...toRunConfig(args, await loadConfigFile(cwd, args.config)), ...(isPlan ? { dryRun: true } : {}) };
  const target = toRunTarget(args);
  const { key } = args;
  const started = await runs.start(
    { executor: "runcommand", config, ...(target && { target }), ...(key === undefined ? {} : { key }) },
    { signal },
  );
  if (args.detach === true) {
    out.result({ run: started }, () => started.runId);
    return 0;
  }
  if (!isPlan) out.note(`Run ${started.runId}`);
  const run = await followFleetRun(context, started.runId, args);
  const pages = await loadReport(context, run.runId);
  await showReport(context, run, pages, { ...args, isPlan });
  return toRunExitCode(run, pages);
}
