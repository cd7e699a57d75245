import type { Job } from "@stackyard/sdk/jobs";
import { isAbsent, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { JOB_MACHINE } from "../api/status.ts";
import { useLoad } from "../api/use-load.ts";
import { CauseMessage } from "../design/causes.tsx";
import { To } from "../design/links.tsx";
import { JobLink, toJobPath } from "../design/run/job-link.tsx";
import { Ago, Text } from "../design/text.tsx";
import { formatJob } from "../runs/job-title.ts";
import { serverNow } from "../text/server-clock.ts";
import { Line } from "./attention-line.tsx";
import { MOST_JOBS } from "./count-needy.ts";

const SHOWN = 3;
const DAY_MS = 86_400_000;

/** Returns the jobs that have failed in the last 24 hours, newest first, ten at most. Failed jobs are kept for 30 days. */
export function useFailedJobs() {
  return useLoad(keys.list("failed-jobs"), async ({ signal }) => {
    const filter = { machine: JOB_MACHINE, mainCondition: "failed" } as const;
    const { items } = await yard.stacks.list(filter, { sort: "-enteredAt", limit: MOST_JOBS, signal });
    const recent = items.filter(({ enteredAt }) => serverNow() - Date.parse(enteredAt) < DAY_MS);
    const jobs = await Promise.all(recent.map(({ id }) => loadJob(id, signal)));
    return jobs.flatMap((job) => (job?.state === "failed" ? [job] : []));
  });
}

/** Loads a job, which may have been closed since it was listed. */
async function loadJob(jobId: string, signal: AbortSignal): Promise<Job | undefined> {
  try {
    return await yard.jobs.get(jobId, { signal });
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Jobs have no machine of their own, and no cause is counted of them: each is a line. */
export function FailedJobs({ jobs }: { jobs: readonly Job[] }) {
  return jobs.slice(0, SHOWN).map((job) => (
    <Line
      key={job.jobId}
      id={`job ${job.jobId}`}
      status="failed"
      word="Failed job"
      path="/jobs"
      search={{ state: "failed" }}
      action={
        <To path={toJobPath(job)} search={{ id: job.jobId }} className="button">
          Open job
        </To>
      }
    >
      <span className="cause-name">
        <strong>
          <Text>{formatJob(job)}</Text>
        </strong>{" "}
        <Text mono>{job.error?.code ?? "no code"}</Text>{" "}
        {job.error !== undefined && <CauseMessage message={job.error.message} />}
      </span>
      <span className="muted">
        <JobLink job={job} /> <Ago at={job.endedAt ?? job.startedAt} />
      </span>
    </Line>
  ));
}
