import { answerJob, type JobTeller } from "./answer-job.ts";
import { toFleetFailure } from "./fleet-error.ts";
import type { JobOutcome } from "./handle-job.ts";
import { toFailureResult } from "./job-result.ts";
import { parsePipelineEvent } from "./parse-pipeline-event.ts";
import { isPassing, toUnseen } from "./stay-with-run.ts";

/**
 * Tells CodePipeline that a job has failed before an app could begin with it: because its settings are wrong, or its store is
 * away. A job whose run goes on comes again where the fault is one that passes. Undefined: the event is no job, and nobody waits
 * for an answer. Throws when CodePipeline does not answer either.
 */
export async function failJob(teller: JobTeller, event: unknown, error: unknown): Promise<JobOutcome | undefined> {
  const decision = parsePipelineEvent(event);
  if (decision.kind === "reject") return undefined;
  const { jobId } = decision;
  if (decision.kind === "continue" && isPassing(error)) {
    const { runId } = decision;
    const answer = await answerJob(teller, toUnseen(teller, { jobId, runId }, error));
    return { kind: "job", jobId, result: answer === "over" ? "over" : "progress", runId };
  }
  const { code, message } = toFleetFailure(error);
  teller.logger.error("The app could not begin with a job.", { jobId, code, message });
  const answer = await answerJob(teller, toFailureResult(jobId, { code, message }));
  return { kind: "job", jobId, result: answer === "over" ? "over" : "failed", code };
}
