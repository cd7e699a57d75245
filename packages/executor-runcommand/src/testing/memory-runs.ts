import type { JobRequest, Jobs, JobView } from "@stackyard/core/jobs";
import { runStackId } from "@stackyard/core/machine";

/** Runs that a test advances and ends. */
export interface MemoryRuns extends Pick<Jobs, "start" | "find" | "report" | "reportPage"> {
  /** The first request under each key, in order. */
  readonly started: readonly JobRequest[];
  /** Changes a run as its executor would. */
  set(runId: string, view: Partial<JobView>, pages?: readonly unknown[]): void;
}

/** Creates runs without an engine: they wait until a test changes them. A repeat of a key finds the same run. */
export function createMemoryRuns(now: () => number): MemoryRuns {
  const views = new Map<string, JobView>();
  const reports = new Map<string, readonly unknown[]>();
  const started: JobRequest[] = [];
  return {
    started,
    async start(request) {
      const runId = runStackId({ key: request.key ?? String(started.length) });
      if (views.has(runId)) return { runId };
      started.push(request);
      const { executor, config } = request;
      views.set(runId, { runId, state: "waiting", executor, config, startedAt: now() });
      return { runId };
    },
    find: async (runId) => views.get(runId),
    report: async (runId) => reports.get(runId) ?? [],
    reportPage: async (runId, { limit }) => ({ items: (reports.get(runId) ?? []).slice(0, limit) }),
    set(runId, view, pages) {
      const known = views.get(runId);
      if (known === undefined) throw new Error(`No run ${runId} was started.`);
      const { endedAt: _over, ...open } = known;
      views.set(runId, { ...(view.state === "running" ? open : known), ...view });
      if (pages !== undefined) reports.set(runId, pages);
    },
  };
}
