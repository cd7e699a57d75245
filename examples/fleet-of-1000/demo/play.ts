import type { FleetCounts, FleetReportPage } from "@stackyard/executor-runcommand";
import { createWorld, mend, startPipeline, type World } from "./world.ts";

/** Receives what happens. */
export interface Audience {
  /** Prints a permanent line. */
  say(line: string): void;
  /** Shows the current state of the run, with the virtual milliseconds since its start. */
  progress(counts: FleetCounts, elapsedMs: number): void;
  /** Prints a whole report. */
  report(pages: readonly FleetReportPage[]): void;
}

/** The result of the demo. */
export interface PlayedFleet {
  readonly world: World;
  readonly runId: string;
  /** Of the pipeline's action. */
  readonly status: string | undefined;
  /** After the commit, and after the retry. */
  readonly counts: readonly FleetCounts[];
}

const STEP_MS = 5_000;
/** CodePipeline calls again after about half a minute. */
const AGAIN_MS = 30_000;
/** The maximum duration of a run in the demo. */
const MOST_MS = 6 * 3_600_000;

/** Plays a commit, its failed pipeline, the report, and the retry of exactly the instances that failed. */
export async function play(instances: number, audience: Audience): Promise<PlayedFleet> {
  const world = await createWorld(instances);
  audience.say(`A commit comes to the pipeline of a fleet of ${instances.toLocaleString("en")} instances.\n`);
  const { runId, status, message } = await release(world, audience);
  audience.say(`\nThe pipeline's action has ${status?.toLowerCase()}: ${message}\n`);
  const first = await loadPages(world, runId);
  audience.report(first);

  mend(world);
  audience.say("\nSomebody mends the playbook: stackyard fleet retry\n");
  await world.yard.jobs.retry(runId);
  await follow(world, { runId, audience, beginAt: world.yard.clock.now() });
  const second = await loadPages(world, runId);
  audience.say("");
  audience.report(second);
  return { world, runId, status, counts: [first, second].flatMap((pages) => pages[0]?.counts ?? []) };
}

/** Runs CodePipeline's calls of the app until the job has a result; the run continues between the calls. */
async function release(world: World, audience: Audience) {
  const { codePipeline } = world.yard.sim;
  const beginAt = world.yard.clock.now();
  const first = startPipeline(world);
  let runId = "";
  for (let job: Job | undefined = first; job !== undefined; job = codePipeline.continueAction(job.jobId)) {
    await world.app.handler(job.event);
    const { status, results = [] } = codePipeline.findAction(first.jobId) ?? {};
    const { executionDetails, failureDetails } = Object(results.at(-1)?.input);
    runId = executionDetails?.externalExecutionId ?? failureDetails?.externalExecutionId ?? runId;
    if (status !== "InProgress") return { runId, status, message: String(failureDetails?.message ?? "") };
    await follow(world, { runId, audience, beginAt, forMs: AGAIN_MS });
  }
  throw new Error("CodePipeline does not call the app any more, and its action has no result.");
}

interface Job {
  readonly jobId: string;
  readonly event: unknown;
}

/** Lets time pass and shows the state of the run until it ends. */
async function follow(
  { yard }: World,
  run: { readonly runId: string; readonly audience: Audience; readonly beginAt: number; readonly forMs?: number },
): Promise<void> {
  const { runId, audience, beginAt, forMs = MOST_MS } = run;
  for (let passed = 0; passed < forMs; passed += STEP_MS) {
    await yard.advance(STEP_MS);
    const [page] = (await yard.jobs.reportPage(runId, { limit: 1 })).items;
    // The executor's output is a page of its report.
    const { counts } = (page ?? {}) as Partial<FleetReportPage>;
    if (counts !== undefined) audience.progress(counts, yard.clock.now() - beginAt);
    const { state } = (await yard.jobs.find(runId)) ?? {};
    if (state !== "waiting" && state !== "running") return;
  }
}

async function loadPages({ yard }: World, runId: string): Promise<readonly FleetReportPage[]> {
  return (await yard.jobs.report(runId)) as readonly FleetReportPage[];
}
