import type { Run, RunState } from "@stackyard/sdk/runs";
import { yard } from "../api/client.ts";
import { statusOfJob } from "../api/job-states.ts";
import { keys } from "../api/keys.ts";
import { type PagedList, usePages } from "../api/use-pages.ts";
import { TextLink } from "../design/links.tsx";
import { SideList } from "../design/list-detail.tsx";
import { Mark } from "../design/mark.tsx";
import { toJobPath } from "../design/run/job-link.tsx";
import type { Column } from "../design/table.tsx";
import { Ago } from "../design/text.tsx";

/** Loads the jobs that a filter chooses, the newest first. */
export function useJobs(filter: { readonly state?: RunState; readonly executor?: string } = {}): PagedList<Run> {
  return usePages(keys.list("runs", filter), (part) => yard.runs.list(filter, { sort: "-createdAt", ...part }));
}

/** Renders the jobs next to one of them. */
export function JobList({ runId }: { runId: string }) {
  return <SideList label="Jobs" list={useJobs()} keyOf={(job) => job.runId} selected={runId} columns={COLUMNS} />;
}

// Ids begin with the time: only the end distinguishes jobs of the same hour.
const COLUMNS: readonly Column<Run>[] = [
  {
    header: "Job",
    cell: (job) => (
      <>
        <Mark status={statusOfJob(job.state)} bare />{" "}
        <TextLink path={toJobPath(job)} search={{ id: job.runId }} text={`${job.executor} …${job.runId.slice(-6)}`} />
      </>
    ),
  },
  { header: "Started", narrow: true, cell: ({ startedAt }) => <Ago at={startedAt} /> },
];
