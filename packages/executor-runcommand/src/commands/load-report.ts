import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { RunsContext } from "@stackyard/sdk/commands";
import type { Run } from "@stackyard/sdk/runs";
import type { FleetReportPage } from "../fleet-report.ts";
import { parseReportPage } from "../report/parse-report-page.ts";
import { toFleetHtml } from "../report/to-fleet-html.ts";
import { toFleetReport } from "../report/to-fleet-report.ts";
import { toFleetTable } from "../report/to-fleet-table.ts";
import { tellRun } from "./tell-run-state.ts";

/** All pages of a run's report. */
export async function loadReport({ runs, signal }: RunsContext, runId: string): Promise<readonly FleetReportPage[]> {
  const pages: FleetReportPage[] = [];
  for await (const page of runs.report(runId, { signal })) pages.push(parseReportPage(page));
  return pages;
}

/** The first page of a report, which has the counts; undefined while there is none. */
export async function findFirstPage(
  { runs, signal }: RunsContext,
  runId: string,
): Promise<FleetReportPage | undefined> {
  for await (const page of runs.report(runId, { signal, limit: 1 })) return parseReportPage(page);
  return undefined;
}

/** How a report is shown. */
export interface ShowOptions {
  readonly html?: string;
  readonly all?: boolean;
  /** Nothing was sent, and nothing will be. */
  readonly isPlan?: boolean;
}

const SHOWN_INSTANCES = 50;
/** A plan may concern ten thousand: what it sums up matters more than who they are. */
const SHOWN_PLANNED = 20;

/** Prints a run with its report, as one object with `--json`, and writes the page that was asked for. */
export async function showReport(
  context: RunsContext,
  run: Run | undefined,
  pages: readonly FleetReportPage[],
  { html, all = false, isPlan = false }: ShowOptions,
): Promise<void> {
  const { out, cwd } = context;
  const { counts, roles, causes, instances } = toFleetReport(pages);
  const shown = isPlan ? SHOWN_PLANNED : SHOWN_INSTANCES;
  out.result({ run: run ?? null, report: { counts, roles, causes, instances } }, () => {
    const options = { columns: out.columns, maxInstances: all ? instances.length : shown };
    const table = pages.length === 0 ? "" : toFleetTable(pages, options);
    return [run === undefined ? "" : tellRun(run, isPlan), table].filter((part) => part !== "").join("\n\n");
  });
  if (!all && instances.length > shown) out.note("--all lists every instance, --json gives all that is known.");
  const isRetried = run?.endedAt !== undefined && causes.length > 0 && !isPlan;
  if (isRetried) out.note(`Again on exactly those that failed: stackyard fleet retry ${run.runId}`);
  if (html === undefined) return;
  await writeFile(resolve(cwd, html), toFleetHtml(pages, run?.error && { error: run.error }));
  out.note(`The page is ${resolve(cwd, html)}.`);
}
