import type { Job, JobState } from "@stackyard/sdk/jobs";
import type { ReactNode } from "react";
import { yard } from "../api/client.ts";
import { JOB_STATES, statusOfJob } from "../api/job-states.ts";
import { keys } from "../api/keys.ts";
import { usePlaceName } from "../api/use-account-name.ts";
import { itemsOf, useLoad } from "../api/use-load.ts";
import { FilterChoice, Filters } from "../design/filters.tsx";
import { type Happening, Happenings } from "../design/happenings.tsx";
import { TextLink, To, useChangeSearch, useSearch } from "../design/links.tsx";
import { wordOf } from "../design/mark.tsx";
import { Empty, NoMatch, Page } from "../design/page.tsx";
import { toJobPath } from "../design/run/job-link.tsx";
import { Listed } from "../design/table.tsx";
import { Text, useNow } from "../design/text.tsx";
import { findJobFacts } from "../runs/job-facts.ts";
import { dropColors } from "../text/ansi.ts";
import { formatDuration } from "../text/durations.ts";
import { toSafeText } from "../text/safe-text.ts";
import { useJobs } from "./job-list.tsx";

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
      <JobFilters />
      <section className="panel" aria-label="Jobs">
        <Listed
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
        >
          {(jobs) => <Happenings label="Jobs, newest first" items={jobs.map(toHappening)} />}
        </Listed>
      </section>
    </Page>
  );
}

function toHappening(job: Job): Happening {
  const status = statusOfJob(job.state);
  return {
    key: job.jobId,
    at: job.startedAt,
    status,
    word: wordOf(status),
    what: <Deed job={job} />,
    why: toMessage(job),
    who: <Text mono>{job.jobId}</Text>,
  };
}

/** What became of a job, by its state; a job of a newer server has its state as it is. */
const DEEDS: Readonly<Record<JobState, string>> = {
  waiting: "has waited for a worker for",
  running: "has run for",
  succeeded: "succeeded after",
  failed: "failed after",
  cancelled: "was cancelled after",
};

/** Renders what ran where, and what became of it, in one sentence. */
function Deed({ job }: { job: Job }) {
  const { jobId, executor, state, startedAt, endedAt } = job;
  const now = useNow();
  const { where } = findJobFacts(job, usePlaceName());
  const ms = (endedAt === undefined ? now : Date.parse(endedAt)) - Date.parse(startedAt);
  return (
    <>
      <TextLink
        path={toJobPath(job)}
        search={{ id: jobId }}
        label={toSafeText(`${executor} ${jobId}`)}
        text={executor}
      />
      {where !== "" && (
        <>
          {" "}
          in <Text>{where}</Text>
        </>
      )}{" "}
      {DEEDS[state] ?? state} {formatDuration(ms)}
    </>
  );
}

/** Returns why a job has failed, else what it said last; undefined where it said nothing. */
function toMessage({ error, message = "", cancelling, endedAt }: Job): ReactNode {
  if (error !== undefined) {
    return (
      <>
        <Text>{error.message}</Text> <Text mono>{error.code}</Text>
      </>
    );
  }
  const text = dropColors(message);
  const words = endedAt === undefined && cancelling ? `Cancelling. ${text}` : text;
  if (words === "") return undefined;
  return <Text>{endedAt === undefined ? words : `last: ${words}`}</Text>;
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
