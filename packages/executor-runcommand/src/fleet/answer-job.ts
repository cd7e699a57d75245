import type { CodePipelineClient } from "@aws-sdk/client-codepipeline";
import type { Fleet } from "./fleet-deps.ts";
import type { JobResult } from "./job-result.ts";

/** Whether CodePipeline took a result. `over`: the job has ended without us. */
export type JobAnswer = "told" | "over";

/** What telling a result takes. */
export interface JobTeller extends Pick<Fleet, "logger"> {
  readonly aws: Pick<Fleet["aws"], "own">;
}

const OVER: ReadonlySet<string> = new Set(["InvalidJobStateException", "JobNotFoundException"]);

/** Tells CodePipeline how a job stands. Throws what it answers but that the job is over: then nobody listens any more. */
export async function answerJob(fleet: JobTeller, result: JobResult): Promise<JobAnswer> {
  const sdk = await import("@aws-sdk/client-codepipeline");
  const client: CodePipelineClient = fleet.aws.own.client(sdk.CodePipelineClient, undefined);
  try {
    if (result.kind === "success") await client.send(new sdk.PutJobSuccessResultCommand(result.input));
    else await client.send(new sdk.PutJobFailureResultCommand(result.input));
    return "told";
  } catch (error) {
    if (!(error instanceof Error) || !OVER.has(error.name)) throw error;
    fleet.logger.warn("The job is over; its run goes on.", { jobId: result.input.jobId, code: error.name });
    return "over";
  }
}
