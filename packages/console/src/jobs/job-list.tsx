import type { Job, JobState } from "@stackyard/sdk/jobs";
import { yard } from "../api/client.ts";
import { statusOfJob } from "../api/job-states.ts";
import { keys } from "../api/keys.ts";
import { type PagedList, usePages } from "../api/use-pages.ts";
import { TextLink } from "../design/links.tsx";
import { SideList } from "../design/list-detail.tsx";
import { Mark } from "../design/mark.tsx";
import { toJobPath } from "../design/run/job-link.tsx";
import type { Column } from "../design/table.tsx";
import { Ago, Text } from "../design/text.tsx";
import { formatJob } from "../runs/job-title.ts";
import { toSafeText } from "../text/safe-text.ts";

/** Loads the jobs that a filter chooses, the newest first. */
export function useJobs(filter: { readonly state?: JobState; readonly executor?: string } = {}): PagedList<Job> {
  return usePages(keys.list("jobs", filter), (part) => yard.jobs.list(filter, { sort: "-createdAt", ...part }));
}

/** Renders the jobs next to one of them. */
export function JobList({ jobId }: { jobId: string }) {
  return <SideList label="Jobs" list={useJobs()} keyOf={(job) => job.jobId} selected={jobId} columns={COLUMNS} />;
}

const COLUMNS: readonly Column<Job>[] = [
  {
    header: "Job",
    cell: (job) => (
      <>
        <Mark status={statusOfJob(job.state)} bare />{" "}
        <TextLink
          path={toJobPath(job)}
          search={{ id: job.jobId }}
          label={toSafeText(`${formatJob(job)} ${job.jobId}`)}
          text={formatJob(job)}
        />
        <div className="side-note">
          <Ago at={job.startedAt} />, <Text mono>{job.jobId}</Text>
        </div>
      </>
    ),
  },
];
