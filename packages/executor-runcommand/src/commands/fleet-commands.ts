import { access, constants } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import {
  type Command,
  defineCommand,
  defined,
  isStackyardError,
  optionalFlag,
  optionalText,
  type PluginCommand,
  StackyardError,
} from "@stackyard/core";
import {
  followStarted,
  type JobsContext,
  keyArg,
  loadConfigFile,
  type OpenJobs,
  startJob,
  toFollowArgs,
  toJobArg,
  withJobs,
} from "@stackyard/sdk/commands";
import type { Job } from "@stackyard/sdk/jobs";
import { type Static, Type } from "typebox";
import { isFailing, toFleetReport } from "../report/to-fleet-report.ts";
import type { FleetInstanceReport, FleetReportPage } from "../report-page.ts";
import { createFleetDoctor } from "./fleet-doctor.ts";
import { type FollowOptions, followFleetRun, loadReport, type ShowOptions, showReport } from "./follow-fleet-run.ts";
import { runArgs, toRunConfig } from "./to-run-config.ts";

/** A run, as its first command has printed it. */
const runArg = toJobArg("fleet run");

/** Arguments of commands that show a report. */
const reportArgs = {
  html: optionalText("Also write the report as a self-contained page.", { minLength: 1, placeholder: "file" }),
  all: optionalFlag("List every instance, not only the first 50."),
};

/** Arguments of commands that follow a run. */
const followArgs = toFollowArgs("job");

/** Creates the fleet commands. The jobs are opened when a command is called. */
export function createFleetCommands(open: OpenJobs): readonly PluginCommand[] {
  const overRuns = [fleetPlan, fleetRun, fleetShow, fleetWatch, fleetRetry, fleetCancel];
  return [...overRuns.map((command) => withJobs(withFolderCheck(command), open)), createFleetDoctor()];
}

const RunArgs = Type.Object({
  ...runArgs,
  key: keyArg,
  ...reportArgs,
  ...followArgs,
});
type RunArgs = Static<typeof RunArgs>;

/** `fleet plan`: starts a run that selects and plans, and sends nothing. */
const fleetPlan = defineCommand({
  name: "fleet plan",
  summary: "Show which instances a run would select. Sends nothing.",
  description: "The yard looks the instances up with its own permissions. Exit code 1: no instance is selected.",
  examples: {
    "stackyard fleet plan --tag-key Role --tag-value web": "All instances with the tag Role=web",
  },
  args: Type.Object({ ...runArgs, ...reportArgs, giveUpAfter: followArgs.giveUpAfter }),
  run: (context: JobsContext, args) => start(context, args, { isPlan: true }),
});

/** `fleet run`: starts a run and follows it to its end. */
const fleetRun = defineCommand({
  name: "fleet run",
  summary: "Run a command on the instances of a fleet, and wait for the results.",
  description:
    "Exit code 2: the run failed after commands were sent; `fleet retry` retries the failed instances. Ctrl-C does not stop the run.",
  examples: {
    "stackyard fleet run --artifact s3://my-artifacts/site/app.zip --max-errors 5%":
      "Apply an artifact's playbook to every instance with the tag has_ssm_agent",
    "stackyard fleet run --document AWS-RunShellScript --parameter commands=uptime --instance-id i-0123456789abcdef0":
      "One command on one instance",
    "stackyard fleet run --profile patch-scan --tag-key Role --tag-value db --html report.html":
      "Look for missing patches, and keep the report",
  },
  args: RunArgs,
  run: (context: JobsContext, args) => start(context, args, { isPlan: false }),
});

async function start(context: JobsContext, args: RunArgs, { isPlan }: { readonly isPlan: boolean }): Promise<number> {
  const file = await loadConfigFile(context.cwd, args.config);
  const config = { ...toRunConfig(args, file), ...(isPlan ? { dryRun: true } : {}) };
  const input = { executor: "runcommand", config, args, ...(isPlan ? { note: false as const } : {}) };
  return startJob(context, input, (runId) => followAndShow(context, runId, { ...args, isPlan }));
}

/** Follows a run to its end, shows its report and returns the exit code. */
async function followAndShow(context: JobsContext, runId: string, options: FollowOptions & ShowOptions) {
  const run = await followFleetRun(context, runId, options);
  const pages = await loadReport(context, run.jobId);
  await showReport(context, { runId: run.jobId, run }, pages, options);
  return toRunExitCode(run, pages);
}

/** `fleet show`: prints the current state of a run. */
const fleetShow = defineCommand({
  name: "fleet show",
  summary: "Show a run: counts by role and state, causes of failures, and the instances, failed ones first.",
  examples: {
    "stackyard fleet show run-0cc52bd92f8f1ec64f390c9af986e6be --html report.html":
      "Also write a page that you can share",
  },
  args: Type.Object({ run: runArg, ...reportArgs }),
  async run(context: JobsContext, args) {
    const run = await findJob(context, args.run);
    await showReport(context, { runId: args.run, run }, await loadReport(context, args.run), args);
    return 0;
  },
});

/** Returns the run; undefined for a machine's task, with a report under its idempotency key. */
async function findJob({ jobs, signal }: JobsContext, runId: string): Promise<Job | undefined> {
  try {
    return await jobs.get(runId, { signal });
  } catch (error) {
    if (isStackyardError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

/** `fleet watch`: waits for a run's end. */
const fleetWatch = defineCommand({
  name: "fleet watch",
  summary: "Follow a run to its end and exit with its result.",
  args: Type.Object({ run: runArg, ...reportArgs, giveUpAfter: followArgs.giveUpAfter }),
  run: (context: JobsContext, args) => followAndShow(context, args.run, args),
});

/** Arguments of `fleet retry` and `fleet cancel`. */
const ReasonArgs = Type.Object({
  run: runArg,
  reason: optionalText("Recorded in the history.", { minLength: 1, maxLength: 4_096 }),
  ...reportArgs,
  ...followArgs,
});
type ReasonArgs = Static<typeof ReasonArgs>;

/** `fleet retry`: retries exactly the instances that did not succeed. */
const fleetRetry = defineCommand({
  name: "fleet retry",
  summary: "Retry exactly the instances that failed, were cancelled or got no command.",
  description:
    "A failed run continues under its id. A run that succeeded, because no more instances failed than allowed, gets a new run.",
  args: ReasonArgs,
  run: retry,
});

async function retry(context: JobsContext, args: ReasonArgs): Promise<number> {
  const { jobs, out, signal } = context;
  const before = await jobs.get(args.run, { signal });
  if (before.endedAt === undefined) {
    throw new StackyardError(
      "OUTCOME_NEGATIVE",
      `The run "${args.run}" is still in progress. Cancel it or wait for its end first.`,
    );
  }
  const pages = await loadReport(context, args.run);
  const failing = toFleetReport(pages, { isOver: true }).instances.filter(isFailing);
  if (before.state === "succeeded" && failing.length === 0) {
    out.result({ job: before }, () => `No instance of the run ${args.run} failed. Nothing to retry.`);
    return 0;
  }
  const isOver = before.state === "succeeded";
  const started = isOver
    ? await startAnew(
        context,
        before,
        failing.map(({ instanceId }) => instanceId),
      )
    : await jobs.retry(args.run, { signal, ...defined({ reason: args.reason }) });
  const after = isOver ? undefined : before.endedAt;
  return followStarted(context, started, {
    note: `Job ${started.jobId}: ${failing.length === 0 ? "again" : `again on ${failing.length} instances`}`,
    ...defined({ detach: args.detach }),
    follow: (runId) => followAndShow(context, runId, { ...args, ...defined({ after }) }),
  });
}

/**
 * Keys of the config that a retry drops. The selection stays: it is applied again to the named instances, so an instance
 * that has lost its tag since then is skipped.
 */
const NOT_AGAIN: ReadonlySet<string> = new Set(["instanceIds", "instance", "dryRun", "wait", "allowEmpty"]);

async function startAnew({ jobs, signal }: JobsContext, run: Job, instanceIds: readonly string[]): Promise<Job> {
  const rest = Object.entries(run.config).filter(([key]) => !NOT_AGAIN.has(key));
  const { account, region } = run.target ?? {};
  const target =
    typeof account === "string" && typeof region === "string" ? { ...run.target, account, region } : undefined;
  const config = { ...Object.fromEntries(rest), instanceIds };
  return jobs.start({ executor: run.executor, config, ...(target && { target }) }, { signal });
}

/** `fleet cancel`: sends nothing more and cancels running commands. */
const fleetCancel = defineCommand({
  name: "fleet cancel",
  summary: "Stop sending, cancel the running commands, and wait until they have ended.",
  description: "Exit code 1: the job had already ended. Changes that a command made on an instance stay.",
  args: ReasonArgs,
  run: cancel,
});

async function cancel(context: JobsContext, args: ReasonArgs): Promise<number> {
  const { jobs, out, signal } = context;
  const before = await jobs.get(args.run, { signal });
  if (before.endedAt !== undefined) {
    out.result({ job: before }, () => `Job ${args.run} has ended already: ${before.state}.`);
    return 1;
  }
  const asked = await jobs.cancel(args.run, { signal, ...defined({ reason: args.reason }) });
  return followStarted(context, asked, {
    detached: `Job ${args.run} was asked to stop.`,
    ...defined({ detach: args.detach }),
    async follow(runId) {
      const run = await followFleetRun(context, runId, args);
      await showReport(context, { runId, run }, await loadReport(context, runId), args);
      return run.state === "succeeded" ? 1 : 0;
    },
  });
}

/** Returns the command with a check, before any work, that the page can be written at the end. */
function withFolderCheck(command: Command<JobsContext>): Command<JobsContext> {
  return {
    ...command,
    async run(context, args) {
      const { html } = args;
      if (typeof html === "string") await access(dirname(resolve(context.cwd, html)), constants.W_OK);
      return command.run(context, args);
    },
  };
}

/** Failures before any command was sent: permissions, configuration, an unreachable service. */
const COULD_NOT_START: ReadonlySet<string> = new Set([
  ...["ACCESS_DENIED", "AWS_UNAVAILABLE", "SSM_THROTTLED", "CONFIG_INVALID", "PROFILE_UNKNOWN", "EXECUTOR_UNKNOWN"],
  ...["INVALID_DOCUMENT", "INVALID_PARAMETERS", "UNREACHABLE", "MACHINE_UNKNOWN"],
]);

/**
 * Returns the exit code for a run that has ended: 0 succeeded, 1 failed before any command was sent, 2 failed after
 * commands were sent, 3 could not start.
 */
export function toRunExitCode({ state, error }: Job, pages: readonly FleetReportPage[]): 0 | 1 | 2 | 3 {
  if (state === "succeeded") return 0;
  if (pages.some(({ instances }) => instances.some(wasSent))) return 2;
  return error !== undefined && COULD_NOT_START.has(error.code) ? 3 : 1;
}

function wasSent({ commandId, state }: FleetInstanceReport): boolean {
  return commandId !== undefined || state === "succeeded" || state === "running";
}
