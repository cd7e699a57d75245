import type { JobRequest, Jobs, JobView } from "@stackyard/core/jobs";
import { jobStackId } from "@stackyard/core/machine";

/** Runs that a test advances and ends. */
export interface MemoryRuns extends Pick<Jobs, "start" | "find" | "report" | "reportPage"> {
  /** The first request under each key, in order. */
  readonly started: readonly JobRequest[];
  /** Changes a run as its executor would. */
  set(jobId: string, view: Partial<JobView>, pages?: readonly unknown[]): void;
}

/** Creates runs without an engine: they wait until a test changes them. A repeat of a key finds the same run. */
export function createMemoryRuns(now: () => number): MemoryRuns {
  const views = new Map<string, JobView>();
  const reports = new Map<string, readonly unknown[]>();
  const started: JobRequest[] = [];
  return {
    started,
    async start(request) {
      const jobId = jobStackId({ key: request.key ?? String(started.length) });
      if (views.has(jobId)) return { jobId };
      started.push(request);
      const { executor, config } = request;
      views.set(jobId, { jobId, state: "waiting", executor, config, startedAt: now() });
      return { jobId };
    },
    find: async (jobId) => views.get(jobId),
    report: async (jobId) => reports.get(jobId) ?? [],
    reportPage: async (jobId, { limit }) => ({ items: (reports.get(jobId) ?? []).slice(0, limit) }),
    set(jobId, view, pages) {
      const known = views.get(jobId);
      if (known === undefined) throw new Error(`No run ${jobId} was started.`);
      const { endedAt: _over, ...open } = known;
      views.set(jobId, { ...(view.state === "running" ? open : known), ...view });
      if (pages !== undefined) reports.set(jobId, pages);
    },
  };
}
