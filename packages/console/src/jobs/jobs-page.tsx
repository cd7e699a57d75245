import type { Job } from "@stackyard/sdk/jobs";
import { yard } from "../api/client.ts";
import { JOB_STATES, statusOfJob } from "../api/job-states.ts";
import { keys } from "../api/keys.ts";
import { itemsOf, useLoad } from "../api/use-load.ts";
import { FilterChoice, Filters } from "../design/filters.tsx";
import { To, useChangeSearch, useSearch } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { Empty, NoMatch, Page, Panel } from "../design/page.tsx";
import { JobLink } from "../design/run/job-link.tsx";
import { type Column, ListTable } from "../design/table.tsx";
import { Ago, Text, useNow } from "../design/text.tsx";
import { dropColors } from "../text/ansi.ts";
import { formatDuration } from "../text/durations.ts";
import { useJobs } from "./job-list.tsx";
import "./jobs.css";

/** Jobs: executor calls without a machine, such as fleet runs and releases. */
export function JobsPage() {
  const search = useSearch();
  const state = JOB_STATES.find((each) => each === search["state"]);
  const executor = search["executor"];
  const filter = { ...(state && { state }), ...(executor && { executor }) };
  const list = useJobs(filter);
  const changeSearch = useChangeSearch();
  const isFiltered = state !== undefined || executor !== undefined;
  return (
    <Page title="Jobs" actions={<To path="/custom-resources">Custom resources of CloudFormation</To>}>
      <nav className="tabs" aria-label="Views">
        <To path="/stacks">All stacks</To>
        <To path="/jobs" current>
          Jobs
        </To>
      </nav>
      <Panel>
        <JobFilters />
        <ListTable
          list={list}
          empty={
            isFiltered ? (
              <NoMatch
                filters={[state && `state ${state}`, executor && `executor ${executor}`].filter(Boolean).join(", ")}
                onClear={() => changeSearch({ state: undefined, executor: undefined })}
              />
            ) : (
              <Empty command="stackyard fleet run --profile patch-scan --tag-key Role --tag-value web">
                No job has run yet. A job is one call of an executor without a machine.
              </Empty>
            )
          }
          label="Jobs"
          columns={COLUMNS}
          keyOf={({ jobId }) => jobId}
          height="max(24rem, calc(100dvh - 220px))"
        />
      </Panel>
    </Page>
  );
}

const COLUMNS: readonly Column<Job>[] = [
  {
    header: "Job",
    cell: (job) => (
      <span className="job-name">
        <strong>
          <Text>{job.executor}</Text>
        </strong>
        <JobLink job={job} />
      </span>
    ),
  },
  { header: "State", cell: ({ state }) => <Mark status={statusOfJob(state)} /> },
  { header: "What it says", prose: true, cell: (job) => <Message job={job} /> },
  { header: "Started", cell: ({ startedAt }) => <Ago at={startedAt} /> },
  { header: "Took", number: true, cell: (job) => <Took job={job} /> },
];

function Message({ job: { error, message = "", cancelling, endedAt } }: { job: Job }) {
  if (error !== undefined) {
    return (
      <>
        <Text mono>{error.code}</Text> <Text>{error.message}</Text>
      </>
    );
  }
  if (endedAt !== undefined && message !== "") {
    return (
      <span className="muted">
        last: <Text>{dropColors(message)}</Text>
      </span>
    );
  }
  return <Text>{dropColors(cancelling ? `Cancelling. ${message}` : message)}</Text>;
}

function Took({ job: { startedAt, endedAt } }: { job: Job }) {
  const now = useNow();
  return formatDuration((endedAt === undefined ? now : Date.parse(endedAt)) - Date.parse(startedAt));
}

function JobFilters() {
  const executors = useLoad(keys.other("executors"), (request) => yard.executors.list(request), { staleTime: 60_000 });
  return (
    <Filters>
      <FilterChoice name="state" label="State" options={JOB_STATES} shortcut="/" />
      <FilterChoice
        name="executor"
        label="Executor"
        options={itemsOf(executors)
          .map(({ name }) => name)
          .sort()}
        query={executors}
      />
    </Filters>
  );
}
