import type { CodePipelineClient } from "@aws-sdk/client-codepipeline";
import { findAwsFault } from "@stackyard/aws";
import type { Fleet } from "./fleet-deps.ts";
import type { JobResult } from "./job-result.ts";

/** Whether CodePipeline took a result. `over`: the job has ended without us. */
export type JobAnswer = "told" | "over";

/** What telling a result takes. */
export interface JobTeller extends Pick<Fleet, "logger" | "clock"> {
  readonly aws: Pick<Fleet["aws"], "own">;
}

const OVER: ReadonlySet<string> = new Set(["InvalidJobStateException", "JobNotFoundException"]);

/** The SDK has tried again already; a job whose run is well must not fail because nobody listened for a moment. */
const PAUSES_MS = [1_000, 2_000];

/** Tells CodePipeline how a job stands. Throws what it answers but that the job is over: then nobody listens any more. */
export async function answerJob(teller: JobTeller, result: JobResult): Promise<JobAnswer> {
  for (let tries = 0; ; tries++) {
    try {
      await send(teller, result);
      return "told";
    } catch (error) {
      if (error instanceof Error && OVER.has(error.name)) {
        teller.logger.warn("The job is over; its run goes on.", { jobId: result.input.jobId, code: error.name });
        return "over";
      }
      const pauseMs = PAUSES_MS[tries];
      if (findAwsFault(error).kind !== "retryable" || pauseMs === undefined) throw error;
      await teller.clock.sleep(pauseMs);
    }
  }
}

async function send({ aws }: JobTeller, result: JobResult): Promise<void> {
  const sdk = await import("@aws-sdk/client-codepipeline");
  const client: CodePipelineClient = aws.own.client(sdk.CodePipelineClient, undefined);
  if (result.kind === "success") await client.send(new sdk.PutJobSuccessResultCommand(result.input));
  else await client.send(new sdk.PutJobFailureResultCommand(result.input));
}
