import { access, constants } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isStackyardError, type PluginCommand, StackyardError } from "@stackyard/core";
import {
  createRunsCommand,
  keyArg,
  loadConfigFile,
  type OpenRuns,
  type RunsCommandSpec,
  type RunsContext,
  toFollowArgs,
  toRunArg,
} from "@stackyard/sdk/commands";
import type { Run } from "@stackyard/sdk/runs";
import { type Static, type TObject, Type } from "typebox";
import type { FleetInstanceReport, FleetReportPage } from "../fleet-run.ts";
import { isFailing, toFleetReport } from "../report/to-fleet-report.ts";
import { createFleetDoctor } from "./fleet-doctor.ts";
import { followFleetRun, loadReport, showReport } from "./follow-fleet-run.ts";
import { runArgs, toRunConfig, toRunTarget } from "./to-run-config.ts";

/** A run, as its first command has printed it. */
const runArg = toRunArg("fleet run");

/** Arguments of commands that show a report. */
const reportArgs = {
  html: Type.Optional(
    Type.String({
      minLength: 1,
      placeholder: "file",
      description: "Also write the report as a page that stands alone.",
    }),
  ),
  all: Type.Optional(Type.Boolean({ description: "List every instance, not only the first 50." })),
};

/** Arguments of commands that follow a run. */
const followArgs = toFollowArgs("run");

/** The commands about fleets, over runs that are opened when one of them is called. */
export function createFleetCommands(open: OpenRuns): readonly PluginCommand[] {
  return [
    createFleetCommand(fleetPlan, open),
    createFleetCommand(fleetRun, open),
    createFleetCommand(fleetShow, open),
    createFleetCommand(fleetWatch, open),
    createFleetCommand(fleetRetry, open),
    createFleetCommand(fleetCancel, open),
    createFleetDoctor(),
  ];
}

const PlanArgs = Type.Object({ ...runArgs, ...reportArgs, giveUpAfter: followArgs.giveUpAfter });

const RunArgs = Type.Object({
  ...runArgs,
  key: keyArg,
  ...reportArgs,
  ...followArgs,
});
type RunArgs = Static<typeof RunArgs>;

/** `fleet plan`: a run that selects and plans and sends nothing. */
const fleetPlan: RunsCommandSpec<typeof PlanArgs> = {
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
const fleetRun: RunsCommandSpec<typeof RunArgs> = {
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

const ShowArgs = Type.Object({ run: runArg, ...reportArgs });

/** `fleet show`: a run as it stands now. */
const fleetShow: RunsCommandSpec<typeof ShowArgs> = {
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
const fleetWatch: RunsCommandSpec<typeof WatchArgs> = {
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

/** Arguments of `fleet retry` and `fleet cancel`. */
const ReasonArgs = Type.Object({
  run: runArg,
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096, description: "Stands in the history." })),
  ...reportArgs,
  ...followArgs,
});
type ReasonArgs = Static<typeof ReasonArgs>;

/** `fleet retry`: goes on with exactly those instances that did not succeed. */
const fleetRetry: RunsCommandSpec<typeof ReasonArgs> = {
  name: "fleet retry",
  summary: "Run again on exactly the instances that failed, were cancelled or were not sent to.",
  description:
    "A run that has failed goes on under its own id. One that counts as a success, because no more failed than may, gets a new run.",
  args: ReasonArgs,
  run: retry,
};

async function retry(context: RunsContext, args: ReasonArgs): Promise<number> {
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

async function end(context: RunsContext, run: Run, args: ReasonArgs): Promise<number> {
  const pages: readonly FleetReportPage[] = await loadReport(context, run.runId);
  await showReport(context, run, pages, args);
  return toRunExitCode(run, pages);
}

/** `fleet cancel`: sends nothing more and cancels what runs. */
const fleetCancel: RunsCommandSpec<typeof ReasonArgs> = {
  name: "fleet cancel",
  summary: "Send nothing more, ask the commands that run to stop, and wait until they have.",
  description: "Exit code 1: the run had ended already. What has run on an instance stays as it is.",
  args: ReasonArgs,
  run: cancel,
};

async function cancel(context: RunsContext, args: ReasonArgs): Promise<number> {
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

/** A command about fleets as a plugin gives it. Arguments that do not fit are `USAGE`. */
function createFleetCommand<Args extends TObject>(spec: RunsCommandSpec<Args>, open: OpenRuns): PluginCommand {
  return createRunsCommand<Args>(
    {
      ...spec,
      async run(context, args) {
        await checkFolder(context.cwd, args);
        return spec.run(context, args);
      },
    },
    open,
  );
}

/** Before any work: a run must not end with a page that cannot be written. */
async function checkFolder(cwd: string, args: object): Promise<void> {
  if ("html" in args && typeof args.html === "string") await access(dirname(resolve(cwd, args.html)), constants.W_OK);
}

/** Failures that come before any work: permission, configuration, a service that does not answer. */
const COULD_NOT_START: ReadonlySet<string> = new Set([
  ...["ACCESS_DENIED", "AWS_UNAVAILABLE", "SSM_THROTTLED", "CONFIG_INVALID", "PROFILE_UNKNOWN", "EXECUTOR_UNKNOWN"],
  ...["INVALID_DOCUMENT", "INVALID_PARAMETERS", "UNREACHABLE", "MACHINE_UNKNOWN"],
]);

/**
 * The exit code of a command that has followed a run to its end: 0 it has succeeded, 2 it has not and instances were
 * worked on, 3 it could not start, 1 it has not succeeded and every instance is as it was.
 */
export function toRunExitCode({ state, error }: Run, pages: readonly FleetReportPage[]): 0 | 1 | 2 | 3 {
  if (state === "succeeded") return 0;
  if (pages.some(({ instances }) => instances.some(wasSent))) return 2;
  return error !== undefined && COULD_NOT_START.has(error.code) ? 3 : 1;
}

function wasSent({ commandId, state }: FleetInstanceReport): boolean {
  return commandId !== undefined || state === "succeeded" || state === "running";
}
