import type { Run } from "@stackyard/sdk/runs";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { Beside } from "../design/beside.tsx";
import { JobActions } from "../design/job-actions.tsx";
import { toJobPath } from "../design/job-link.tsx";
import { To, useSearch } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { Empty, Loaded, Page, Panel } from "../design/page.tsx";
import { Pairs } from "../design/pairs.tsx";
import { Scrolled } from "../design/scrolled.tsx";
import { Ago, Instant, Text } from "../design/text.tsx";
import { dropColors } from "../text/ansi.ts";
import { formatDuration } from "../text/durations.ts";
import { JobList } from "./job-list.tsx";
import { statusOfJob } from "./job-states.ts";
import "./jobs.css";

/** Renders one job: its state, report and log. */
export function JobPage() {
  const { id = "" } = useSearch();
  return (
    <Beside label="Other jobs" list={<JobList runId={id} />}>
      <OneJob key={id} id={id} />
    </Beside>
  );
}

function OneJob({ id }: { id: string }) {
  const job = useLoad(keys.stack(id, "job"), (request) => yard.runs.get(id, request), { enabled: id !== "" });
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
      heading={
        <>
          Job <Text>{id}</Text>
        </>
      }
      actions={job.data && <JobActions job={job.data} />}
    >
      <Loaded query={job} height={160}>
        {(data) => <Shown job={data} />}
      </Loaded>
    </Page>
  );
}

function Shown({ job }: { job: Run }) {
  const { executor, target, config, outputs, error, startedAt, endedAt } = job;
  return (
    <>
      <Panel title={<Mark status={statusOfJob(job.state)} />}>
        <Pairs
          className="pairs panel-body"
          of={{
            Executor: (
              <>
                <Text>{executor}</Text>
                {toJobPath(job) !== "/job" && (
                  <>
                    {" · "}
                    <To path={toJobPath(job)} search={{ id: job.runId }}>
                      Fleet run
                    </To>
                  </>
                )}
              </>
            ),
            Started: (
              <>
                <Instant at={startedAt} /> (<Ago at={startedAt} />)
              </>
            ),
            Ended: endedAt !== undefined && (
              <>
                <Instant at={endedAt} />, after {formatDuration(Date.parse(endedAt) - Date.parse(startedAt))}
              </>
            ),
            Message: job.message !== undefined && <Text>{dropColors(job.message)}</Text>,
            Error: error !== undefined && (
              <>
                <span className="tone-fail">
                  <Text mono>{error.code}</Text>
                </span>{" "}
                <Text>{error.message}</Text>
              </>
            ),
          }}
        />
      </Panel>
      <div className="columns">
        <div className="stack-v">
          <LogTail job={job} />
          {toJobPath(job) === "/job" && <Report job={job} />}
        </div>
        <div className="stack-v">
          {outputs !== undefined && <Json title="Outputs" value={outputs} />}
          {target !== undefined && <Json title="Target" value={target} />}
          <Json title="Config" value={config} />
        </div>
      </div>
    </>
  );
}

const MAX_CHARACTERS = 20_000;

function Json({ title, value }: { title: string; value: unknown }) {
  const text = JSON.stringify(value, null, 2);
  return (
    <Panel title={title}>
      <Scrolled label={title} className="panel-body job-text" as="pre">
        <Text>{text.slice(0, MAX_CHARACTERS)}</Text>
        {text.length > MAX_CHARACTERS && "\n…"}
      </Scrolled>
    </Panel>
  );
}

const TAIL_LINES = 40;

/** Renders the end of the newest attempt's log; the full log has its own page. */
function LogTail({ job: { runId, endedAt } }: { job: Run }) {
  const attempts = useLoad(keys.stack(runId, "attempts"), (request) => yard.stacks.attempts(runId, request));
  const log = useLoad(keys.stack(runId, "log", { endedAt }), (request) => yard.runs.log(runId, request));
  const attemptId = attempts.data?.[0]?.attemptId;
  return (
    <Panel
      title="Log"
      actions={
        attemptId !== undefined && (
          <span data-shortcut="l">
            <To path="/log" search={{ attempt: attemptId }}>
              Whole log
            </To>
          </span>
        )
      }
    >
      <Loaded query={log} height={120}>
        {(text) =>
          text === "" ? (
            <Empty>{endedAt === undefined ? "The log is here when the attempt has ended." : "The log is empty."}</Empty>
          ) : (
            <Scrolled label="End of the log" className="panel-body job-text" as="pre">
              <Text>{text.trimEnd().split("\n").slice(-TAIL_LINES).join("\n")}</Text>
            </Scrolled>
          )
        }
      </Loaded>
    </Panel>
  );
}

const MAX_PAGES = 20;

/** Renders the executor's report unchanged. */
function Report({ job: { runId, endedAt } }: { job: Run }) {
  const report = useLoad(
    keys.other("job-report", { runId, endedAt }),
    async (request) => {
      const pages: unknown[] = [];
      for await (const page of yard.runs.report(runId, request)) {
        pages.push(page);
        if (pages.length === MAX_PAGES) break;
      }
      return pages;
    },
    { refetchInterval: endedAt === undefined ? 10_000 : false },
  );
  return (
    <Loaded query={report} height={0}>
      {(pages) => (pages.length === 0 ? null : <Json title="Report" value={pages.length === 1 ? pages[0] : pages} />)}
    </Loaded>
  );
}
