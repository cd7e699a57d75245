import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import {
  type AccountNames,
  defined,
  formatAccount,
  isStackyardError,
  toShellCommand,
  withAccountName,
} from "@stackyard/core";
import { createProgressTeller, followJob, type JobsContext } from "@stackyard/sdk/commands";
import type { Job } from "@stackyard/sdk/jobs";
import { parseReportPage } from "../report/parse-report-page.ts";
import { findSaid, isFailing, toCell, toFleetReport } from "../report/to-fleet-report.ts";
import { toFleetTable } from "../report/to-fleet-table.ts";
import type { FleetCounts, FleetInstanceReport, FleetReportPage } from "../report-page.ts";

/** Options of following a run. */
export interface FollowOptions {
  readonly giveUpAfter?: string;
  /** The run's end before the retry; an older end is ignored. */
  readonly after?: string;
}

/**
 * Waits for the end of a run, and prints its progress and each failed instance. Throws `TIMED_OUT` and `INTERRUPTED`:
 * the run then continues, and the message says how to follow it again.
 */
export function followFleetRun(
  context: JobsContext,
  runId: string,
  { giveUpAfter, after }: FollowOptions = {},
): Promise<Job> {
  return followJob(context, runId, {
    onLook: createLook(context),
    hint: `Look again: ${toShellCommand`stackyard fleet watch ${runId}`}. Stop it: ${toShellCommand`stackyard fleet cancel ${runId}`}`,
    ...defined({ giveUpAfter, after }),
  });
}

/** The most failures that are printed one by one; the table at the end lists all. */
const MAX_REPORTED = 20;

function createLook(context: JobsContext): (run: Job) => Promise<void> {
  const reported = new Set<string>();
  const tell = createProgressTeller(context.out);
  let failedBefore = 0;
  return async (run) => {
    const counts = (await findFirstPage(context, run.jobId))?.counts;
    tell(run, formatProgress(run, counts), { counts: counts ?? null });
    const failed = counts?.failed ?? 0;
    if (failed > failedBefore && reported.size < MAX_REPORTED) await reportFailures(context, run.jobId, reported);
    failedBefore = failed;
  };
}

async function reportFailures(context: JobsContext, runId: string, reported: Set<string>): Promise<void> {
  const { instances } = toFleetReport(await loadReport(context, runId));
  const fresh = instances.filter(
    (each) => isFailing(each) && each.state !== "not-sent" && !reported.has(each.instanceId),
  );
  for (const instance of fresh.slice(0, MAX_REPORTED - reported.size)) {
    reported.add(instance.instanceId);
    context.out.note(formatFailure(instance));
  }
  if (reported.size >= MAX_REPORTED)
    context.out.note("Further failures are not printed one by one. The report lists all of them.");
}

function formatFailure(instance: FleetInstanceReport): string {
  const { instanceId, state, code = "", responseCode } = instance;
  const exit = responseCode === undefined || responseCode === -1 ? "" : ` (exit code ${responseCode})`;
  const said = findSaid(instance);
  return `${toCell(instanceId)} ${state} ${toCell(code)}${exit}${said === undefined ? "" : `: ${toCell(said, 120)}`}`;
}

/** Loads all pages of a run's report. */
export async function loadReport({ jobs, signal }: JobsContext, runId: string): Promise<readonly FleetReportPage[]> {
  const pages: FleetReportPage[] = [];
  for await (const page of jobs.report(runId, { signal })) pages.push(parseReportPage(page));
  return pages;
}

/** Loads the first page of a report, which has the counts. Undefined until it exists. */
async function findFirstPage({ jobs, signal }: JobsContext, runId: string): Promise<FleetReportPage | undefined> {
  for await (const page of jobs.report(runId, { signal, limit: 1 })) return parseReportPage(page);
  return undefined;
}

/** Options of showing a report. */
export interface ShowOptions {
  readonly html?: string;
  readonly all?: boolean;
  /** True if nothing is ever sent. */
  readonly isPlan?: boolean;
}

const SHOWN_INSTANCES = 50;
/** A plan may have ten thousand instances: its totals matter more. */
const SHOWN_PLANNED = 20;

/** Prints a run with its report, as one object with `--json`, and writes the page if requested. */
export async function showReport(
  context: JobsContext,
  { runId, run }: { readonly runId: string; readonly run: Job | undefined },
  pages: readonly FleetReportPage[],
  { html, all = false, isPlan = false }: ShowOptions,
): Promise<void> {
  const { out, cwd, accounts = {} } = context;
  const isOver = run?.endedAt !== undefined && !isPlan;
  const { counts, roles, causes, instances } = toFleetReport(pages, { isOver });
  const shown = isPlan ? SHOWN_PLANNED : SHOWN_INSTANCES;
  const shownRun = { job: run ?? null, report: { counts, roles, causes, instances } };
  out.result(withAccountName(accounts, shownRun, findPlace(run)?.account), () => {
    const options = { columns: out.columns, maxInstances: all ? instances.length : shown, isOver };
    const table = pages.length === 0 ? "" : toFleetTable(pages, options);
    return [run === undefined ? "" : formatRun(run, { isPlan, accounts }), table]
      .filter((part) => part !== "")
      .join("\n\n");
  });
  if (!all && instances.length > shown) out.note("--all lists every instance; --json prints all details.");
  const isRetried = run?.endedAt !== undefined && causes.length > 0 && !isPlan;
  if (isRetried) out.note(`Again on exactly those that failed: ${toShellCommand`stackyard fleet retry ${run.jobId}`}`);
  if (html !== undefined) await writePage(context, runId, resolve(cwd, html));
}

/** Writes the page of a run. Without a page, the exit code is still that of the run. */
async function writePage({ jobs, out, signal }: JobsContext, runId: string, file: string): Promise<void> {
  try {
    await writeFile(file, await jobs.page(runId, { signal }));
    out.note(`The page is ${file}.`);
  } catch (error) {
    if (!isStackyardError(error)) throw error;
    out.note(`The page was not written. ${error.code}: ${error.message}`);
  }
}

/** Returns account and region of a run's target; undefined for a run in the runner's own account. */
function findPlace(run: Job | undefined): { readonly account: string; readonly region: string } | undefined {
  const { account, region } = run?.target ?? {};
  return typeof account === "string" && typeof region === "string" ? { account, region } : undefined;
}

/** Options of formatting the state of a run. */
interface FormatRunOptions {
  readonly isPlan?: boolean;
  /** Names of accounts. Default: none. */
  readonly accounts?: AccountNames;
}

/** Formats the state of a run in one line, with its target. */
export function formatRun(run: Job, { isPlan = false, accounts = {} }: FormatRunOptions = {}): string {
  const { jobId, state, error } = run;
  const place = findPlace(run);
  const where = place === undefined ? "" : ` in ${toCell(formatAccount(accounts, place.account, place.region), 120)}`;
  const what = `${isPlan ? "The plan" : `Job ${jobId}`}${where}`;
  if (error !== undefined) return `${what} has failed, ${toCell(error.code)}: ${toCell(error.message, 1_000)}`;
  if (state === "cancelled") return `${what} was cancelled.`;
  if (state === "succeeded") return isPlan ? "A plan: nothing was sent." : `${what} has succeeded.`;
  const message = run.message === undefined ? "" : ` ${toCell(run.message, 200)}`;
  return `${what} is ${run.cancelling === true ? "being cancelled" : state}.${message}`;
}

/** Formats the progress in one short live line. */
function formatProgress({ jobId, state, message, cancelling }: Job, counts: FleetCounts | undefined): string {
  const standing = cancelling === true ? "being cancelled" : state;
  if (counts === undefined) return `${jobId}  ${standing}  ${toCell(message ?? "", 120)}`.trimEnd();
  const { selected, succeeded, failed, running, notSent } = counts;
  const parts = [
    `${succeeded + failed} of ${selected} done`,
    `${failed} failed`,
    ...(running === 0 ? [] : [`${running} running`]),
    ...(notSent === 0 ? [] : [`${notSent} to be sent`]),
  ];
  return `${jobId}  ${standing}  ${parts.join(", ")}`;
}
