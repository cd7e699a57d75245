import { defined, StackyardError } from "@stackyard/core";
import type { Job } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import { createJobs, type JobOptions, type Jobs, type JobView } from "@stackyard/core/jobs";
import { JOB_MACHINE, jobStackId } from "@stackyard/core/machine";
import { hasEverywhere } from "../access/guard.ts";
import { loadVisible } from "../access/reach.ts";
import type { Route, RouteContext } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toInstant } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

/** Converts a job to the API's format. */
function toJob({ startedAt, endedAt, ...rest }: JobView): Job {
  return {
    ...rest,
    startedAt: toInstant(startedAt),
    ...defined({ endedAt: toInstant(endedAt) }),
  };
}

/** Defines the routes for jobs without a machine. */
export function jobRoutes(deps: RouteDeps): readonly Route[] {
  const jobs = createJobs(deps);
  return [
    serve(deps, operations.startJob, async ({ body }, { sender, audit }) => {
      const { key } = body;
      const ulid = deps.ids.next();
      // The line that is written before the start must name the job too.
      const started = jobStackId(key === undefined ? { ulid } : { key });
      const on = { machine: JOB_MACHINE, jobId: started, ...defined({ key }) };
      const { jobId } = await audit({ on }, () => jobs.start({ ...body, ulid, sender }));
      return reply(202, toJob(await loadJob(jobs, jobId)));
    }),
    serve(deps, operations.listJobs, async ({ query: { cursor, limit, sort, ...filter } }, { caller }) => {
      const input = { ...pageInput(defined({ cursor, limit })), ...defined({ sort }) };
      const page = await loadVisible(caller, input, {
        load: (start) => jobs.list(filter, { ...input, ...start }),
        toSubject: ({ jobId }) => ({ kind: "stack", stackId: jobId, machine: JOB_MACHINE }),
      });
      return reply(200, toPage(page, { toView: toJob, toId: ({ jobId }) => jobId }));
    }),
    serve(deps, operations.getJob, async ({ params: { jobId } }) => reply(200, toJob(await loadJob(jobs, jobId)))),
    serve(deps, operations.getJobReport, async ({ params: { jobId }, query }, { caller }) => {
      // A report may be that of a task of a machine, which belongs to its stack.
      if (!hasEverywhere(caller.rights, "read")) await loadJob(jobs, jobId);
      const page = await jobs.reportPage(jobId, pageInput({ limit: REPORT_PAGES, ...query }));
      if (page.items.length === 0 && query.cursor === undefined) await loadJob(jobs, jobId);
      return reply(200, toPage(page, { toView: (item) => item, toId: () => jobId }));
    }),
    serve(
      deps,
      operations.cancelJob,
      operateOn(jobs, deps, {
        act: (jobId, options) => jobs.cancel(jobId, options),
        isDone: (job) => job.cancelling === true || job.endedAt !== undefined,
      }),
    ),
    serve(
      deps,
      operations.retryJob,
      operateOn(jobs, deps, {
        act: (jobId, options) => jobs.retry(jobId, options),
        isDone: (job, before) => job.endedAt !== before.endedAt,
      }),
    ),
  ];
}

/** A page of a report may have 200 KiB. */
const REPORT_PAGES = 10;

interface JobOperation {
  readonly act: (jobId: string, options: JobOptions) => Promise<void>;
  readonly isDone: (job: JobView, before: JobView) => boolean;
}

interface OperationInput {
  readonly params: { readonly jobId: string };
  readonly body: { readonly reason?: string };
}

/** Returns the handler of a manual operation on a job. Each response is the job after the operation. */
function operateOn(jobs: Jobs, deps: RouteDeps, { act, isDone }: JobOperation) {
  return async ({ params: { jobId }, body }: OperationInput, { sender, signal }: RouteContext) => {
    const before = await loadJob(jobs, jobId);
    await act(jobId, { sender, ...body });
    const job = await waitForJob(deps, jobs, { jobId, signal, isDone: (seen) => isDone(seen, before) });
    return reply(isDone(job, before) ? 200 : 202, toJob(job));
  };
}

const POLL_MS = 250;

/** Returns the job as soon as it satisfies the condition, or in its present state when the time is over. */
async function waitForJob(
  { clock, bell, settings }: RouteDeps,
  jobs: Jobs,
  wanted: { readonly jobId: string; readonly signal: AbortSignal; readonly isDone: (job: JobView) => boolean },
): Promise<JobView> {
  const until = clock.now() + settings.limits.outcomeMs;
  for (;;) {
    const seen = bell.count;
    const job = await loadJob(jobs, wanted.jobId);
    const rest = until - clock.now();
    if (wanted.isDone(job) || rest <= 0 || wanted.signal.aborted) return job;
    await bell.wait(seen, Math.min(POLL_MS, rest), wanted.signal);
  }
}

/** Returns the current state of a job. Throws `NOT_FOUND`. */
async function loadJob(jobs: Jobs, jobId: string): Promise<JobView> {
  const job = await jobs.find(jobId);
  if (job === undefined) throw new StackyardError("NOT_FOUND", `Job "${jobId}" not found.`);
  return job;
}
