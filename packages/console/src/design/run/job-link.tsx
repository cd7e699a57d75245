import type { Job } from "@stackyard/sdk/jobs";
import { TextLink } from "../links.tsx";

/** A page for the jobs of one executor. */
interface JobPage {
  readonly path: string;
  readonly name: string;
}

const PAGES: Readonly<Record<string, JobPage>> = {
  asg: { path: "/asg", name: "Release" },
  runcommand: { path: "/fleet", name: "Fleet run" },
};

/** Returns the page for the jobs of this executor; undefined without one: then a job has only the page of all jobs. */
export function findJobPage({ executor }: Pick<Job, "executor">): JobPage | undefined {
  return Object.hasOwn(PAGES, executor) ? PAGES[executor] : undefined;
}

/** Returns the page that shows this job best. */
export function toJobPath(job: Pick<Job, "executor">): string {
  return findJobPage(job)?.path ?? "/job";
}

/** Renders the id of a job as a link to its page. */
export function JobLink({ job }: { job: Pick<Job, "jobId" | "executor"> }) {
  return <TextLink path={toJobPath(job)} search={{ id: job.jobId }} text={job.jobId} mono />;
}
