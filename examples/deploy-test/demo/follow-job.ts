import { parseReleaseReport, type ReleaseReport } from "@stackyard/sdk/releases";
import type { World } from "./world.ts";

/** How a job has ended. */
export interface EndedJob {
  readonly jobId: string;
  readonly state: string;
  readonly report: ReleaseReport | undefined;
  readonly message: string;
}

/** Observes a job in progress. */
export interface JobWatcher {
  /** Records a report that differs from the one before. `at`: epoch milliseconds. */
  see(report: ReleaseReport, at: number): void;
  /** Called after each simulated second: returns whether to halt the job. */
  readonly shallHalt?: (report: ReleaseReport) => boolean;
}

const STEP_MS = 1_000;
/** The maximum duration of a release in the demo. */
const MOST_MS = 3 * 3_600_000;

/** Starts a job of the executor `asg` and lets time pass until it has ended. */
export async function followJob(
  { yard }: World,
  config: Readonly<Record<string, unknown>>,
  watcher: JobWatcher,
): Promise<EndedJob> {
  const { jobId } = await yard.jobs.start({ executor: "asg", config, actor: "ada" });
  const look = createLook({ yard, jobId, watcher });
  for (let passed = 0; passed < MOST_MS; passed += STEP_MS) {
    await yard.advance(STEP_MS);
    const report = await look();
    const job = await yard.jobs.find(jobId);
    if (job?.endedAt !== undefined) return { jobId, state: job.state, report, message: job.error?.message ?? "" };
  }
  throw new Error(`The job ${jobId} has not ended.`);
}

/** Shows a changed report, and halts once if requested. */
function createLook({ yard, jobId, watcher }: Pick<World, "yard"> & { jobId: string; watcher: JobWatcher }) {
  let shown = "";
  let isHalted = false;
  return async (): Promise<ReleaseReport | undefined> => {
    const report = await findReport(yard, jobId);
    if (report === undefined) return undefined;
    const picture = JSON.stringify([report.state, report.end, report.services]);
    if (picture !== shown) watcher.see(report, yard.clock.now());
    shown = picture;
    if (isHalted || !watcher.shallHalt?.(report)) return report;
    isHalted = true;
    await yard.jobs.cancel(jobId, { actor: "ada", reason: "The new version does not answer." });
    return report;
  };
}

async function findReport({ jobs }: World["yard"], jobId: string): Promise<ReleaseReport | undefined> {
  const [page] = (await jobs.reportPage(jobId, { limit: 1 })).items;
  return page === undefined ? undefined : parseReleaseReport(page);
}
