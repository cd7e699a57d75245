import { ARTIFACT, BUCKET, PIPELINE, PLACE, type World } from "./world.ts";
import { type Files, toZip } from "./zip.ts";

/** How the pipeline's action has ended. */
export interface PipelineResult {
  readonly status: string;
  /** The id of the run that configured the fleet. */
  readonly runId: string;
  /** The output variables for later actions of the pipeline. */
  readonly variables: Readonly<Record<string, string>>;
  /** Why it has failed. */
  readonly message: string;
  /** The number of calls by CodePipeline. */
  readonly calls: number;
}

/** As in the template: the repository contains its own inventory script, and half of the fleet runs at a time. */
const USER_PARAMETERS = JSON.stringify({ profile: "garlc-1", maxConcurrency: "50%" });
/** CodePipeline calls again after about half a minute. */
const AGAIN_MS = 30_000;

/** Runs the pipeline for a commit; its action calls the fleet app until the job has ended. */
export async function release(world: World, commit: string, files: Files): Promise<PipelineResult> {
  const { sim } = world.yard;
  // Where CodePipeline puts it: the names of pipeline and artifact, and a random one.
  const key = `${PIPELINE}/${ARTIFACT}/${commit}.zip`;
  sim.s3.write(BUCKET, key, toZip(files));
  const inputArtifacts = [{ name: ARTIFACT, bucket: BUCKET, key, revision: commit }];
  const first = sim.codePipeline.startAction({
    ...PLACE,
    userParameters: USER_PARAMETERS,
    inputArtifacts,
  });
  let calls = 0;
  for (let job: Job | undefined = first; job !== undefined; job = sim.codePipeline.continueAction(job.jobId)) {
    calls += 1;
    await world.app.handler(job.event);
    if (sim.codePipeline.findAction(first.jobId)?.status === "InProgress") await world.pass(AGAIN_MS);
  }
  return { ...toResult(sim.codePipeline.findAction(first.jobId)), calls };
}

interface Job {
  readonly jobId: string;
  readonly event: unknown;
}

function toResult(
  action: ReturnType<World["yard"]["sim"]["codePipeline"]["findAction"]>,
): Omit<PipelineResult, "calls"> {
  const input = Object(action?.results.at(-1)?.input);
  const { executionDetails = {}, failureDetails = {}, outputVariables = {} } = input;
  return {
    status: action?.status ?? "unknown",
    runId: executionDetails.externalExecutionId ?? failureDetails.externalExecutionId ?? "",
    variables: outputVariables,
    message: failureDetails.message ?? "",
  };
}
