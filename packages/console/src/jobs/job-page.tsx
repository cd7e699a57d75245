import type { Job } from "@stackyard/sdk/jobs";
import { isAbsent, yard } from "../api/client.ts";
import { statusOfJob } from "../api/job-states.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { To, useSearch } from "../design/links.tsx";
import { ListDetail } from "../design/list-detail.tsx";
import { Absent, Empty, Loaded, Page } from "../design/page.tsx";
import { findJobPage } from "../design/run/job-link.tsx";
import { RunHeading } from "../design/run/run-head.tsx";
import { Text } from "../design/text.tsx";
import { JobActions } from "../runs/job-actions.tsx";
import { JobHead, JobId } from "../runs/job-head.tsx";
import { formatJob } from "../runs/job-title.ts";
import { RunFailure } from "../runs/run-failure.tsx";
import { Json, type RunTab, RunTabs } from "../runs/run-tabs.tsx";
import { AttemptSteps, RunTimeline } from "../runs/run-timeline.tsx";
import { dropColors } from "../text/ansi.ts";
import { JobList } from "./job-list.tsx";

/** Renders one job: its state, report and log. */
export function JobPage() {
  const { id = "" } = useSearch();
  return (
    <ListDetail label="Other jobs" list={<JobList jobId={id} />}>
      <OneJob key={id} id={id} />
    </ListDetail>
  );
}

function OneJob({ id }: { id: string }) {
  const job = useLoad(keys.stack(id, "job"), (request) => yard.jobs.get(id, request), { enabled: id !== "" });
  if (id === "") {
    return (
      <Page title="Job">
        <Empty>
          The address names no job. <To path="/jobs">All jobs</To>
        </Empty>
      </Page>
    );
  }
  return (
    <Page
      title={`Job ${id}`}
      heading={job.data === undefined ? "Job" : <Heading job={job.data} />}
      beside={<JobId id={id} />}
      actions={job.data && <JobActions job={job.data} />}
    >
      {isAbsent(job.error) ? (
        <Absent path="/jobs" word="All jobs" />
      ) : (
        <Loaded query={job} height={160}>
          {(data) => <Shown job={data} />}
        </Loaded>
      )}
    </Page>
  );
}

function Heading({ job }: { job: Job }) {
  return (
    <RunHeading status={statusOfJob(job.state)}>
      <Text>{formatJob(job)}</Text>
    </RunHeading>
  );
}

function Shown({ job }: { job: Job }) {
  const { message, error, endedAt } = job;
  const own = findJobPage(job);
  const reports = own === undefined ? [toReportTab(job)] : [];
  // The log of a failure is around its error already; else it says more than a report, which most jobs have none of.
  const isLogShown = error !== undefined;
  return (
    <>
      <JobHead
        job={job}
        what={
          own !== undefined && (
            <To path={own.path} search={{ id: job.jobId }}>
              {own.name}
            </To>
          )
        }
        more={{ Executor: <Text mono>{job.executor}</Text> }}
      />
      <RunFailure job={job} />
      {message !== undefined && error === undefined && (
        <p>
          {endedAt !== undefined && <span className="muted">Last message: </span>}
          <Text>{dropColors(message)}</Text>
        </p>
      )}
      <AttemptSteps job={job} />
      <RunTimeline job={job} />
      <RunTabs job={job} path="/job" {...(isLogShown ? { own: reports } : { last: reports })} />
    </>
  );
}

function toReportTab(job: Job): RunTab {
  return { id: "report", title: "Report", show: () => <Report job={job} /> };
}

const MAX_PAGES = 20;

/** Renders the executor's report unchanged. */
function Report({ job: { jobId, endedAt } }: { job: Job }) {
  const report = useLoad(
    keys.other("job-report", { jobId, endedAt }),
    async (request) => {
      const pages: unknown[] = [];
      for await (const page of yard.jobs.report(jobId, request)) {
        pages.push(page);
        if (pages.length === MAX_PAGES) break;
      }
      return pages;
    },
    { refetchInterval: endedAt === undefined ? 10_000 : false },
  );
  return (
    <Loaded query={report} height={120}>
      {(pages) =>
        pages.length === 0 ? (
          <Empty>The executor has not reported on parts of its work.</Empty>
        ) : (
          <Json title="Report" value={pages.length === 1 ? pages[0] : pages} />
        )
      }
    </Loaded>
  );
}
