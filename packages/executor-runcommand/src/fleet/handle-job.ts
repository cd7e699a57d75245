import { toAnswer } from "@stackyard/aws";
import { defined } from "@stackyard/core";
import type { JobView } from "@stackyard/core/jobs";
import { endInTime, type Fleet, FleetError, toFleetFailure, toOutOfTime } from "./fleet-deps.ts";
import {
  addWatch,
  findEventRecord,
  findWatch,
  keepEventRecord,
  type RunIntent,
  toPipelineIntent,
} from "./fleet-records.ts";
import { settleRun } from "./handle-tick.ts";
import {
  findRunReport,
  isTransient,
  type JobReporter,
  type JobResult,
  type RunReport,
  reportJobResult,
  stayWithRun,
  toFailureResult,
  toJobResult,
  toUnavailable,
} from "./job-result.ts";
import { findArtifactCredentials, type PipelineDecision, parsePipelineEvent } from "./parse-pipeline-event.ts";
import { pinArtifact } from "./pin-artifact.ts";
import { startOrForget } from "./start-run.ts";

/** The outcome of a job of CodePipeline. */
export type JobOutcome =
  | { readonly kind: "rejected"; readonly code: string }
  | {
      readonly kind: "job";
      readonly jobId: string;
      /** `over`: the job had ended without us. */
      readonly result: "progress" | "succeeded" | "failed" | "over";
      readonly code?: string;
      readonly runId?: string;
    };

type Known = Exclude<PipelineDecision, { kind: "reject" }>;

/**
 * Handles one call of CodePipeline. Every job with an id gets a result: an error is reported as its failure, unless its run
 * continues. Rejects only when the result could not be reported, so that Lambda repeats the event; a repeat finds the same
 * run.
 */
export async function handleJob(fleet: Fleet, event: unknown, signal: AbortSignal): Promise<JobOutcome> {
  const { profiles } = fleet.settings;
  const decision = parsePipelineEvent(event, defined({ profiles }));
  if (decision.kind === "reject") {
    fleet.logger.warn("The event has no job id, so no result can be reported.", { code: decision.code });
    return { kind: "rejected", code: decision.code };
  }
  const { jobId } = decision;
  const failed = (error: unknown) => toFailure(fleet, jobId, error);
  const result = await handleDecision(fleet, decision, event, signal).catch(failed);
  try {
    return await reportResult(fleet, result);
  } catch (error) {
    // CodePipeline did not accept the result: the run has not failed, and the repeated event reports it.
    if (result.kind === "failure" || toAnswer(error) === "passing") throw error;
    const { externalExecutionId: runId } = result.input.executionDetails ?? {};
    return reportResult(fleet, toFailure(fleet, jobId, error, runId));
  }
}

/** Returns the failed result. `runId`: the run that the job has started, and that may continue. */
function toFailure(fleet: Fleet, jobId: string, error: unknown, runId?: string): JobResult {
  const { code, message: why } = toFleetFailure(error);
  const message = runId === undefined ? why : `${why} Its run is ${runId}.`;
  fleet.logger.error("A job has failed.", { jobId, code, message, ...defined({ runId }) });
  return toFailureResult(jobId, { code, message, ...defined({ runId }) });
}

async function handleDecision(fleet: Fleet, decision: Known, event: unknown, signal: AbortSignal): Promise<JobResult> {
  const { jobId } = decision;
  switch (decision.kind) {
    case "fail":
      return toFailureResult(jobId, decision);
    case "continue": {
      const { runId } = decision;
      return stayWithRun(fleet, { jobId, runId }, signal, () => follow(fleet, jobId, runId));
    }
    case "start":
      return start(fleet, decision, event, signal);
  }
}

async function start(fleet: Fleet, decision: Start, event: unknown, signal: AbortSignal): Promise<JobResult> {
  const { jobId } = decision;
  const { known, decided } = await endInTime(signal, async () => {
    const found = await findEventRecord(fleet, jobId);
    return { known: found, decided: found ?? (await decide(fleet, decision, event, signal)) };
  });
  // After a failed job result, no run may start any more.
  if (signal.aborted) throw toOutOfTime();
  const intent = known ?? (await keepEventRecord(fleet, jobId, decided));
  if (intent.kind === "done") return toFailureResult(jobId, intent);
  if (signal.aborted) throw toOutOfTime();
  await addWatch(fleet, intent);
  // From here on the run starts in any case: if not now, then at the next check or tick.
  return stayWithRun(fleet, { jobId, runId: intent.runId }, signal, async () => {
    await startOrForget(fleet, intent);
    return begin(fleet, jobId, intent);
  });
}

type Start = Extract<PipelineDecision, { kind: "start" }>;

async function decide(fleet: Fleet, { jobId, artifact, options }: Start, event: unknown, signal: AbortSignal) {
  const pinned = await pin(fleet, artifact, event, signal);
  if ("kind" in pinned) return { ...pinned, kind: "done" } as const;
  return toPipelineIntent({ jobId, artifact: pinned, revision: artifact.revision, options, now: fleet.clock.now() });
}

/** Pins the artifact with the job's credentials if it has some: the app's own role need not read every artifact. */
async function pin(fleet: Fleet, artifact: Start["artifact"], event: unknown, signal: AbortSignal) {
  const credentials = findArtifactCredentials(event);
  const { S3Client } = await import("@aws-sdk/client-s3");
  const isGiven = credentials !== undefined;
  const s3 = isGiven ? await fleet.openArtifactS3(credentials) : fleet.aws.own.client(S3Client, undefined);
  try {
    return await pinArtifact(s3, artifact, signal);
  } finally {
    if (isGiven) s3.destroy();
  }
}

/** Starts a run. A failed check afterwards is reported as progress, because the run was started. */
async function begin(fleet: Fleet, jobId: string, intent: RunIntent): Promise<JobResult> {
  const { runId, config, wait, decidedAt } = intent;
  const waiting: JobView = { jobId: runId, state: "waiting", executor: "runcommand", config, startedAt: decidedAt };
  try {
    return await loadResult(fleet, { jobId, run: (await fleet.runs.find(runId)) ?? waiting, wait });
  } catch (error) {
    return toUnavailable(fleet, { jobId, runId }, error);
  }
}

async function follow(fleet: Fleet, jobId: string, runId: string): Promise<JobResult> {
  const [run, kept] = await Promise.all([fleet.runs.find(runId), findWatch(fleet, runId)]);
  if (run !== undefined) return loadResult(fleet, { jobId, run, wait: kept?.value.intent.wait ?? true });
  if (kept === undefined) throw new FleetError({ code: "RUN_UNKNOWN", message: `Unknown run ${runId}.` });
  // Its start was interrupted.
  await startOrForget(fleet, kept.value.intent);
  return begin(fleet, jobId, kept.value.intent);
}

async function loadResult(
  fleet: Fleet,
  { jobId, run, wait }: { readonly jobId: string; readonly run: JobView; readonly wait: boolean },
): Promise<JobResult> {
  const { reportUrl } = fleet.settings;
  const report = await loadReport(fleet, run);
  const address = reportUrl?.replaceAll("{runId}", run.jobId);
  return toJobResult({ jobId, run, report, wait, ...defined({ reportUrl: address }) });
}

/** Loads all pages once the run has ended, for the list of failed instances; until then the counts are enough. */
async function loadReport({ runs }: Fleet, { jobId, endedAt }: JobView): Promise<RunReport | undefined> {
  if (endedAt !== undefined) return findRunReport(await runs.report(jobId));
  return findRunReport((await runs.reportPage(jobId, { limit: 1 })).items);
}

async function reportResult(fleet: Fleet, result: JobResult): Promise<JobOutcome> {
  const answer = await reportJobResult(fleet, result);
  const { jobId = "" } = result.input;
  const facts = toFacts(result);
  const outcome = { kind: "job", jobId, ...facts, ...(answer === "over" ? { result: "over" as const } : {}) } as const;
  fleet.logger.info("The result of a job was reported.", { ...outcome });
  if (facts.runId !== undefined && facts.result !== "progress") await settleQuietly(fleet, facts.runId);
  return outcome;
}

function toFacts(result: JobResult): Omit<Extract<JobOutcome, { kind: "job" }>, "kind" | "jobId"> {
  if (result.kind === "success") {
    const { continuationToken, executionDetails } = result.input;
    const runId = executionDetails?.externalExecutionId;
    const isOver = continuationToken === undefined;
    return { result: isOver ? "succeeded" : "progress", ...defined({ runId }) };
  }
  const { externalExecutionId: runId, message = "" } = result.input.failureDetails ?? {};
  const code = message.split(":", 1)[0] ?? "";
  return { result: "failed", code, ...defined({ runId }) };
}

/** Settles a run after its job has its result; the tick retries failures. */
async function settleQuietly(fleet: Fleet, runId: string): Promise<void> {
  try {
    await settleRun(fleet, runId);
  } catch (error) {
    const { code, message } = toFleetFailure(error);
    fleet.logger.warn("A run could not be settled. The next tick retries it.", { runId, code, message });
  }
}

/**
 * Reports that a job failed before the app could handle it: its settings are invalid, or its store is not available. For a
 * transient error, a job whose run continues is called again. Returns undefined if the event is not a job. Throws if
 * CodePipeline does not answer either.
 */
export async function failJob(reporter: JobReporter, event: unknown, error: unknown): Promise<JobOutcome | undefined> {
  const decision = parsePipelineEvent(event);
  if (decision.kind === "reject") return undefined;
  const { jobId } = decision;
  if (decision.kind === "continue" && isTransient(error)) {
    const { runId } = decision;
    const answer = await reportJobResult(reporter, toUnavailable(reporter, { jobId, runId }, error));
    return { kind: "job", jobId, result: answer === "over" ? "over" : "progress", runId };
  }
  const { code, message } = toFleetFailure(error);
  reporter.logger.error("The app could not start a job.", { jobId, code, message });
  const answer = await reportJobResult(reporter, toFailureResult(jobId, { code, message }));
  return { kind: "job", jobId, result: answer === "over" ? "over" : "failed", code };
}
