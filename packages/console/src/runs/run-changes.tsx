import type { Job } from "@stackyard/sdk/jobs";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { To } from "../design/links.tsx";
import { Empty, Loaded, Panel } from "../design/page.tsx";
import { toJobPath } from "../design/run/job-link.tsx";
import { Ago, Text } from "../design/text.tsx";
import { ValueChange } from "../design/value-change.tsx";
import { formatDuration } from "../text/durations.ts";
import { compareRuns, findLastSuccess } from "./last-success.ts";

/** Successes of the executor that are searched. */
const SEARCHED = 100;

/** Renders what a failed job has otherwise than the last one that did the same and succeeded. */
export function RunChanges({ job }: { job: Job }) {
  const { jobId, executor } = job;
  const earlier = useLoad(
    keys.other("earlier-jobs", { jobId, executor }),
    (request) => yard.jobs.list({ executor, state: "succeeded" }, { sort: "-createdAt", limit: SEARCHED, ...request }),
    // The last success before this job failed does not change.
    { staleTime: Number.POSITIVE_INFINITY },
  );
  return (
    <Panel title="What changed since the last success">
      <Loaded query={earlier} height={120}>
        {({ items }) => {
          const then = findLastSuccess(job, items);
          if (then !== undefined) return <Changes then={then} now={job} />;
          return <Empty>No earlier job that did the same is known. Successful jobs are kept for one day.</Empty>;
        }}
      </Loaded>
    </Panel>
  );
}

const MOST_SHOWN = 20;

function Changes({ then, now }: { then: Job; now: Job }) {
  const { changed, equal } = compareRuns(then, now);
  return (
    <dl className="pairs panel-body">
      <dt>Last success</dt>
      <dd>
        <To path={toJobPath(then)} search={{ id: then.jobId }}>
          <Text>{then.jobId}</Text>
        </To>
        , <Ago at={then.endedAt ?? then.startedAt} />
      </dd>
      {changed.slice(0, MOST_SHOWN).map((difference) => (
        <ValueChange key={difference.what} {...difference} />
      ))}
      <dt>Values</dt>
      <dd className="muted">
        {changed.length > MOST_SHOWN && `${changed.length - MOST_SHOWN} more have changed, `}
        {changed.length === 0 ? "All values are equal" : `${equal} other values are equal`}
      </dd>
      <Took then={then} now={now} />
    </dl>
  );
}

function Took({ then, now }: { then: Job; now: Job }) {
  if (then.endedAt === undefined || now.endedAt === undefined) return null;
  return (
    <>
      <dt>Duration</dt>
      <dd>
        {toLength(then)} before, {toLength(now)} now
      </dd>
    </>
  );
}

function toLength({ startedAt, endedAt = startedAt }: Job): string {
  return formatDuration(Date.parse(endedAt) - Date.parse(startedAt));
}
