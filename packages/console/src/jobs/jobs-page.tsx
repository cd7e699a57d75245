import type { Job, JobState } from "@stackyard/sdk/jobs";
import type { ReactNode } from "react";
import { yard } from "../api/client.ts";
import { JOB_STATES, statusOfJob } from "../api/job-states.ts";
import { keys } from "../api/keys.ts";
import { usePlaceName } from "../api/use-account-name.ts";
import { itemsOf, useLoad } from "../api/use-load.ts";
import { isKnownEmpty } from "../api/use-pages.ts";
import { FilterChoice, Filters } from "../design/filters.tsx";
import { type FirstStep, FirstSteps } from "../design/first-steps.tsx";
import { type Happening, Happenings } from "../design/happenings.tsx";
import { TextLink, To, useChangeSearch, useSearch } from "../design/links.tsx";
import { wordOf } from "../design/mark.tsx";
import { NoMatch, Page } from "../design/page.tsx";
import { toJobPath } from "../design/run/job-link.tsx";
import { Listed } from "../design/table.tsx";
import { Text, useNow } from "../design/text.tsx";
import { findJobFacts } from "../runs/job-facts.ts";
import { formatJob } from "../runs/job-title.ts";
import { dropColors } from "../text/ansi.ts";
import { formatDuration } from "../text/durations.ts";
import { formatReleaseState } from "../text/format-release-state.ts";
import { toSafeText } from "../text/safe-text.ts";
import { useJobs } from "./job-list.tsx";

const SHOWS =
  "Here you will see each call of an executor without a machine, newest first: fleet runs, releases of Auto Scaling groups, and what you run by hand.";

const STEPS: readonly FirstStep[] = [
  {
    title: "See what can run",
    text: "The yard lists its executors, and the workers that run them.",
    link: { path: "/yard", word: "Open the yard" },
  },
  {
    title: "Run something",
    text: "Such as a command on all instances of a role.",
    command: "stackyard fleet run --profile patch-scan --tag-key Role --tag-value web",
  },
  {
    title: "Follow it",
    text: "Its page has the progress, the log and the result; a terminal has what runs now.",
    command: "stackyard attempts ls",
  },
];

/** Jobs: executor calls without a machine, such as fleet runs and releases. */
export function JobsPage() {
  const search = useSearch();
  const state = JOB_STATES.find((each) => each === search["state"]);
  const executor = search["executor"];
  const filter = { ...(state && { state }), ...(executor && { executor }) };
  const list = useJobs(filter);
  const changeSearch = useChangeSearch();
  const isFiltered = state !== undefined || executor !== undefined;
  const isNew = !isFiltered && isKnownEmpty(list);
  return (
    <Page title="Jobs" actions={<To path="/custom-resources">Custom resources of CloudFormation</To>}>
      <nav className="tabs" aria-label="Views">
        <To path="/stacks">All stacks</To>
        <To path="/jobs" current>
          Jobs
        </To>
      </nav>
      {isNew ? (
        <FirstSteps title="No job has run yet" shows={SHOWS} steps={STEPS} />
      ) : (
        <>
          <JobFilters />
          <section className="panel" aria-label="Jobs">
            <Listed
              list={list}
              empty={
                <NoMatch
                  filters={[state && `state ${state}`, executor && `executor ${executor}`].filter(Boolean).join(", ")}
                  onClear={() => changeSearch({ state: undefined, executor: undefined })}
                />
              }
            >
              {(jobs) => <Happenings label="Jobs, newest first" items={jobs.map(toHappening)} />}
            </Listed>
          </section>
        </>
      )}
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
    who: (
      <>
        <Text>{job.executor}</Text> <Text mono>{job.jobId}</Text>
      </>
    ),
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
  const { jobId, state, startedAt, endedAt } = job;
  const title = formatJob(job);
  const now = useNow();
  const { where } = findJobFacts(job, usePlaceName());
  const ms = (endedAt === undefined ? now : Date.parse(endedAt)) - Date.parse(startedAt);
  return (
    <>
      <TextLink path={toJobPath(job)} search={{ id: jobId }} label={toSafeText(`${title} ${jobId}`)} text={title} />
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
function toMessage({ executor, error, message = "", cancelling, endedAt }: Job): ReactNode {
  if (error !== undefined) {
    return (
      <>
        <Text>{error.message}</Text> <Text mono>{error.code}</Text>
      </>
    );
  }
  const text = executor === "asg" ? formatReleaseState(message) : dropColors(message);
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
