import type { Run } from "@stackyard/sdk/runs";
import { TextLink } from "./links.tsx";

/** Returns the page that shows this job best. */
export function toJobPath({ executor }: Pick<Run, "executor">): string {
  return executor === "runcommand" ? "/fleet" : "/job";
}

/** Renders the id of a job as a link to its page. */
export function JobLink({ job }: { job: Pick<Run, "runId" | "executor"> }) {
  return <TextLink path={toJobPath(job)} search={{ id: job.runId }} text={job.runId} mono />;
}
