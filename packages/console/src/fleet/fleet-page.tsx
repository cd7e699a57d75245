import { defined } from "@stackyard/core";
import { type FleetReport, toFleetReport } from "@stackyard/executor-runcommand/report";
import type { Job } from "@stackyard/sdk/jobs";
import type { UseQueryResult } from "@tanstack/react-query";
import { useMemo, useRef } from "react";
import { isAbsent, yard } from "../api/client.ts";
import { statusOfJob } from "../api/job-states.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { To, useSearch } from "../design/links.tsx";
import type { Status } from "../design/mark.tsx";
import { Absent, Empty, Loaded, Page, Panel } from "../design/page.tsx";
import { RunHeading } from "../design/run/run-head.tsx";
import { Text } from "../design/text.tsx";
import { JobActions } from "../runs/job-actions.tsx";
import { JobId } from "../runs/job-head.tsx";
import { formatJob } from "../runs/job-title.ts";
import { RunTabs } from "../runs/run-tabs.tsx";
import { FleetCauses } from "./fleet-causes.tsx";
import { isFleetPage } from "./fleet-data.ts";
import { FleetInstances } from "./fleet-instances.tsx";
import { FleetMap } from "./fleet-map.tsx";
import { FleetRoles } from "./fleet-roles.tsx";
import { FleetSummary } from "./fleet-summary.tsx";
import "./fleet.css";

const REFETCH_MS = 10_000;
const PAGES_AT_ONCE = 50;
const RETRIED = ["failed", "cancelled", "not sent"] as const;
const LIST = new Intl.ListFormat("en-GB");

/** Renders one run of a command on a fleet: the state of each instance, and why some failed. */
export function FleetPage() {
  const { id = "" } = useSearch();
  const run = useLoad(keys.stack(id, "job"), (request) => yard.jobs.get(id, request), { enabled: id !== "" });
  const report = useFleetReport(id, run);
  const isOver = run.data?.endedAt !== undefined;
  const retryWord = report.data === undefined ? undefined : toRetryWord(report.data, isOver);
  if (id === "") {
    return (
      <Page title="Fleet run">
        <Empty command="stackyard fleet run --tag-key Role --tag-value web">
          The address names no run.{" "}
          <To path="/jobs" search={{ executor: "runcommand" }}>
            All fleet runs
          </To>
        </Empty>
      </Page>
    );
  }
  return (
    <Page
      title={`Fleet run ${id}`}
      heading={<Heading run={run.data} pages={report.data} />}
      beside={<JobId id={id} />}
      actions={run.data && <JobActions job={run.data} {...defined({ retryWord })} />}
    >
      <Run run={run} report={report} />
    </Page>
  );
}

interface HeadingProps {
  readonly run: Job | undefined;
  readonly pages: readonly unknown[] | undefined;
}

/** Renders what the run does, with its state; a task of a machine has no job, and the state of its report. */
function Heading({ run, pages = [] }: HeadingProps) {
  if (run === undefined && pages.length === 0) return "Fleet run";
  const mark =
    run === undefined ? toTaskMark(toFleetReport(pages.filter(isFleetPage))) : { status: statusOfJob(run.state) };
  return <RunHeading {...mark}>{run === undefined ? "Fleet run" : <Text>{formatJob(run)}</Text>}</RunHeading>;
}

/** Returns the status of a task from its report alone. Only its stack knows how many failures are allowed. */
function toTaskMark({ endedAt, standings }: FleetReport): { readonly status: Status; readonly word: string } {
  if (endedAt === undefined) return { status: "running", word: "Running" };
  const failing = standings.failed + standings.cancelled + standings["not sent"];
  if (failing === 0) return { status: "succeeded", word: "Ended" };
  return { status: "failed", word: `Ended, ${failing.toLocaleString("en")} failed` };
}

interface RunProps {
  readonly run: UseQueryResult<Job>;
  readonly report: ReturnType<typeof useFleetReport>;
}

/** Renders what is known of a run. A task of a machine has a report under its own key, and no job. */
function Run({ run, report }: RunProps) {
  const hasReport = report.data !== undefined && report.data.length > 0;
  if (run.data === undefined && run.error !== null && hasReport) return <Shown pages={report.data} />;
  if (isAbsent(run.error)) return <Absent path="/jobs" word="All jobs" />;
  return (
    <Loaded query={run} height={120}>
      {(data) => (
        <Loaded query={report} height={480}>
          {(pages) => <Shown run={data} pages={pages} />}
        </Loaded>
      )}
    </Loaded>
  );
}

/**
 * Loads all pages of the report. During the run they are fetched every 10 s if its message has changed: that counts the
 * instances by state, and a report of 10,000 instances has megabytes.
 */
function useFleetReport(id: string, { data: run, error, isPending }: UseQueryResult<Job>) {
  const { endedAt, message } = run ?? {};
  const last = useRef<{ readonly message: string; readonly pages: readonly unknown[] }>(undefined);
  return useLoad(
    keys.other("fleet-report", { id, endedAt }),
    async ({ signal }) => {
      if (endedAt === undefined && message !== undefined && last.current?.message === message)
        return last.current.pages;
      const pages: unknown[] = [];
      for await (const page of yard.jobs.report(id, { limit: PAGES_AT_ONCE, signal })) pages.push(page);
      last.current = message === undefined ? undefined : { message, pages };
      return pages;
    },
    {
      enabled: id !== "" && !isPending,
      placeholderData: (before) => before,
      refetchInterval: ({ state: { data } }) => {
        const isOver = endedAt !== undefined || (isAbsent(error) && data !== undefined && hasEnded(data));
        return isOver ? false : REFETCH_MS;
      },
      staleTime: Number.POSITIVE_INFINITY,
    },
  );
}

/** Returns true for the final report of a machine's task. An empty report without a job belongs to no task. */
function hasEnded(pages: readonly unknown[]): boolean {
  return pages.length === 0 || toFleetReport(pages.filter(isFleetPage)).endedAt !== undefined;
}

/** Returns what a retry runs, such as `Retry 3 failed and 9 not sent`; undefined for nothing. */
function toRetryWord(pages: readonly unknown[], isOver: boolean): string | undefined {
  const { standings } = toFleetReport(pages.filter(isFleetPage), { isOver });
  const counts = RETRIED.filter((standing) => standings[standing] > 0).map(
    (standing) => `${standings[standing].toLocaleString("en")} ${standing}`,
  );
  return counts.length === 0 ? undefined : `Retry ${LIST.format(counts)}`;
}

function Shown({ run, pages }: { run?: Job; pages: readonly unknown[] }) {
  const fleetPages = pages.filter(isFleetPage);
  const isOver = run?.endedAt !== undefined;
  const report = useMemo(() => toFleetReport(pages.filter(isFleetPage), { isOver }), [pages, isOver]);
  if (fleetPages.length < pages.length) {
    return (
      <Empty>
        The report of this job is not that of a fleet.{" "}
        <To path="/job" search={{ id: run?.jobId }}>
          Open the job
        </To>
      </Empty>
    );
  }
  return (
    <>
      <FleetSummary {...(run && { run })} report={report} />
      {run === undefined ? (
        <Instances report={report} />
      ) : (
        <RunTabs
          job={run}
          path="/fleet"
          own={[{ id: "instances", title: "Instances", show: () => <Instances report={report} /> }]}
        />
      )}
    </>
  );
}

function Instances({ report }: { report: FleetReport }) {
  if (report.instances.length === 0) {
    return (
      <Panel title="Instances">
        <Empty>There is no report yet. It begins when the instances are selected.</Empty>
      </Panel>
    );
  }
  return (
    <>
      <div className={report.causes.length === 0 ? "stack-v" : "columns"}>
        <div className="stack-v">
          <FleetMap report={report} />
          <FleetRoles report={report} />
        </div>
        <FleetCauses causes={report.causes} />
      </div>
      <FleetInstances report={report} />
    </>
  );
}
