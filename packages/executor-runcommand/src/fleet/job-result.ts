import type {
  CodePipelineClient,
  PutJobFailureResultCommandInput,
  PutJobSuccessResultCommandInput,
} from "@aws-sdk/client-codepipeline";
import { callAws, toAnswer } from "@stackyard/aws";
import { backoff, cutText, defined, retry, toStrictText } from "@stackyard/core";
import type { JobView } from "@stackyard/core/jobs";
import type { FleetCounts } from "../report-page.ts";
import { endInTime, type Fleet, readField, readText, toFleetFailure } from "./fleet-deps.ts";
import { type FailureType, toContinuationToken, toFailureType } from "./parse-pipeline-event.ts";

/** Limits of `ExecutionDetails` and `FailureDetails` (CodePipeline API reference). */
const MAX_SUMMARY = 2_048;
const MAX_MESSAGE = 5_000;
const MAX_EXTERNAL_ID = 1_500;
const NOT_SENT = "NOT_SENT";

/** The answer to one call of CodePipeline. */
export type JobResult =
  | { readonly kind: "success"; readonly input: PutJobSuccessResultCommandInput }
  | { readonly kind: "failure"; readonly input: PutJobFailureResultCommandInput };

/** The input of a result. */
export interface JobResultInput {
  readonly jobId: string;
  readonly run: JobView;
  /** The report; undefined if the executor has written none yet. */
  readonly report: RunReport | undefined;
  /** False if the job is done once everything is dispatched. */
  readonly wait: boolean;
  /** The page of the run, if the run has none. */
  readonly reportUrl?: string;
}

/** Returns the state of a job with a run. Pure; respects every limit of CodePipeline. */
export function toJobResult(input: JobResultInput): JobResult {
  const { jobId, run, report, wait } = input;
  if (run.state === "succeeded") return { kind: "success", input: toDone(input) };
  if (run.state === "failed" || run.state === "cancelled") return toRunFailure(jobId, run, report);
  if (!wait && isDispatched(report)) return { kind: "success", input: toDone(input) };
  return { kind: "success", input: toProgress(jobId, run, report) };
}

/** Why a job has failed. */
interface JobFailure {
  readonly code: string;
  readonly message: string;
  /** Default: as the code says. */
  readonly type?: FailureType;
  readonly runId?: string;
}

/** Returns the result of a failed job: the message begins with the code, is never empty and never too long. */
export function toFailureResult(jobId: string, { code, message, type, runId }: JobFailure): JobResult {
  const text = message.startsWith(`${code}:`) ? message : `${code}: ${message}`;
  const failureDetails = defined({
    type: type ?? toFailureType(code),
    message: cutText(toStrictText(text), MAX_MESSAGE),
    externalExecutionId: runId === undefined ? undefined : cutText(runId, MAX_EXTERNAL_ID),
  });
  return { kind: "failure", input: { jobId, failureDetails } };
}

/** Returns true if everything was dispatched. If SSM selects the instances, none is known before that. */
function isDispatched(report: RunReport | undefined): boolean {
  return report !== undefined && report.counts.selected > 0 && report.counts.notSent === 0;
}

function toProgress(jobId: string, run: JobView, report: RunReport | undefined): PutJobSuccessResultCommandInput {
  const { jobId: runId, message } = run;
  const counts = report?.counts;
  const summary = counts === undefined ? (message ?? "Waiting for a runner.") : toSummary(counts, "not sent yet");
  return {
    jobId,
    continuationToken: toContinuationToken(runId),
    executionDetails: {
      summary: cutText(toStrictText(summary), MAX_SUMMARY),
      externalExecutionId: runId,
      // The percentage 100 is reported only at the end.
      percentComplete: Math.min(99, toPercent(counts)),
    },
  };
}

function toDone({ jobId, run, report, reportUrl }: JobResultInput): PutJobSuccessResultCommandInput {
  const { jobId: runId, outputs = {}, state } = run;
  const counts = report?.counts;
  const count = (name: "selected" | "succeeded" | "failed" | "skipped") => toText(outputs[name] ?? counts?.[name] ?? 0);
  const summary = counts === undefined ? (run.message ?? "Done.") : toSummary(counts, "not sent");
  return {
    jobId,
    executionDetails: {
      summary: cutText(toStrictText(summary), MAX_SUMMARY),
      externalExecutionId: runId,
      percentComplete: state === "succeeded" ? 100 : toPercent(counts),
    },
    outputVariables: {
      RunId: runId,
      Selected: count("selected"),
      Succeeded: count("succeeded"),
      Failed: count("failed"),
      Skipped: count("skipped"),
      ReportUrl: toText(outputs["reportUrl"] ?? reportUrl ?? ""),
    },
  };
}

function toRunFailure(jobId: string, run: JobView, report: RunReport | undefined): JobResult {
  const { jobId: runId, state, error } = run;
  const failure =
    state === "cancelled"
      ? { code: "RUN_CANCELLED", message: `The run ${runId} was cancelled.` }
      : (error ?? { code: "RUN_FAILED", message: `The run ${runId} has failed.` });
  return toFailureResult(jobId, { code: failure.code, message: toMessage(failure, report), runId });
}

/** Adds the failed instances to the message, as many as fit: people look for them in the pipeline. */
function toMessage({ code, message }: { code: string; message: string }, report: RunReport | undefined): string {
  if (report === undefined || report.failed.length === 0) return message;
  const room = MAX_MESSAGE - code.length - 4;
  const head = `${message} Instances: `;
  // Failed instances come first: unsent ones are a consequence.
  const failed = report.failed.toSorted(
    (one, other) => Number(one.code === NOT_SENT) - Number(other.code === NOT_SENT),
  );
  return head + formatInstances(failed, room - head.length);
}

function formatInstances(failed: readonly FailedInstance[], room: number): string {
  const texts = failed.map(({ instanceId, code }) => `${instanceId} ${code}`);
  const all = `${texts.join(", ")}.`;
  if (all.length <= room) return all;
  const kept: string[] = [];
  let length = ` and ${failed.length} more.`.length;
  for (const text of texts) {
    length += text.length + 2;
    if (length > room) break;
    kept.push(text);
  }
  const left = `${failed.length - kept.length} more.`;
  return kept.length === 0 ? left : `${kept.join(", ")} and ${left}`;
}

function toSummary(counts: FleetCounts, left: string): string {
  const { selected, succeeded, failed, running, skipped, notSent } = counts;
  const parts = [
    `${succeeded} of ${selected} instances succeeded`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(running > 0 ? [`${running} running`] : []),
    ...(notSent > 0 ? [`${notSent} ${left}`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ];
  return `${parts.join(", ")}.`;
}

function toPercent(counts: FleetCounts | undefined): number {
  if (counts === undefined || counts.selected === 0) return 0;
  const done = counts.succeeded + counts.failed;
  return Math.max(0, Math.min(100, Math.floor((done * 100) / counts.selected)));
}

function toText(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** The answer of CodePipeline to a result. `over`: the job had already ended. */
type JobAnswer = "reported" | "over";

/** The dependencies of reporting a result. */
export interface JobReporter extends Pick<Fleet, "logger" | "clock"> {
  readonly aws: Pick<Fleet["aws"], "own">;
}

const OVER = { InvalidJobStateException: "over", JobNotFoundException: "over" } as const;

/** The SDK has already retried. A job with a healthy run must not fail because of a short outage of CodePipeline. */
const TRIES = 3;

/** Reports a job's result to CodePipeline. Returns `over` if the job has already ended, and throws its other errors. */
export async function reportJobResult(reporter: JobReporter, result: JobResult): Promise<JobAnswer> {
  const { clock, logger } = reporter;
  const report = async () => {
    await send(reporter, result);
    return "reported" as const;
  };
  const work = retry(report, {
    tries: TRIES,
    isRetryable: (error) => toAnswer(error) === "passing",
    pause: (failed) => clock.sleep(backoff(failed, { first: 1_000 })),
  });
  const answer = await callAws(() => work, { instead: OVER });
  if (answer === "over") {
    logger.warn("The job has already ended. Its run continues.", { jobId: result.input.jobId });
  }
  return answer;
}

async function send({ aws }: JobReporter, result: JobResult): Promise<void> {
  const sdk = await import("@aws-sdk/client-codepipeline");
  const client: CodePipelineClient = aws.own.client(sdk.CodePipelineClient, undefined);
  if (result.kind === "success") await client.send(new sdk.PutJobSuccessResultCommand(result.input));
  else await client.send(new sdk.PutJobFailureResultCommand(result.input));
}

/** A job and the run that it follows. */
interface FollowedRun {
  readonly jobId: string;
  readonly runId: string;
}

/**
 * Loads a job's result from its run. The run continues in any case: a transient error, or the end of the function's time, is
 * reported as progress, and CodePipeline calls again. Throws other errors.
 */
export async function stayWithRun(
  fleet: Fleet,
  followed: FollowedRun,
  signal: AbortSignal,
  load: () => Promise<JobResult>,
): Promise<JobResult> {
  try {
    return await endInTime(signal, load);
  } catch (error) {
    if (!isTransient(error)) throw error;
    return toUnavailable(fleet, followed, error);
  }
}

/** Returns true for transient errors. */
export function isTransient(error: unknown): boolean {
  return toFailureType(toFleetFailure(error).code) === "SystemUnavailable";
}

/** Returns the progress of a run with a temporarily unavailable state. */
export function toUnavailable(
  fleet: Pick<Fleet, "logger" | "clock">,
  { jobId, runId }: FollowedRun,
  error: unknown,
): JobResult {
  const { code, message } = toFleetFailure(error);
  fleet.logger.warn("The state of a run is temporarily unavailable.", { runId, code, message });
  const run: JobView = {
    jobId: runId,
    state: "waiting",
    executor: "runcommand",
    config: {},
    startedAt: fleet.clock.now(),
    message: `The run's state is temporarily unavailable (${code}). The run continues.`,
  };
  return toJobResult({ jobId, run, report: undefined, wait: true });
}

/** An instance that the run could not configure. */
interface FailedInstance {
  readonly instanceId: string;
  readonly code: string;
}

/** The part of a run's report that a pipeline is shown. */
export interface RunReport {
  readonly counts: FleetCounts;
  readonly failed: readonly FailedInstance[];
}

const NAMES = ["selected", "succeeded", "failed", "running", "skipped", "notSent"] as const;
const FAILED_STATES: ReadonlySet<unknown> = new Set(["failed", "cancelled", "not-sent"]);

/** Reads the pages that the executor has written; undefined before the first one. */
export function findRunReport(pages: readonly unknown[]): RunReport | undefined {
  const counts = pages.map((page) => readField(page, "counts")).find((each) => each !== undefined);
  if (counts === undefined) return undefined;
  const read = (name: string): number => {
    const count = readField(counts, name);
    return typeof count === "number" && Number.isSafeInteger(count) && count > 0 ? count : 0;
  };
  return {
    counts: Object.fromEntries(NAMES.map((name) => [name, read(name)])) as Record<(typeof NAMES)[number], number>,
    failed: [...toLatest(pages.flatMap(toInstances))].flatMap(toFailed),
  };
}

function toInstances(page: unknown): readonly unknown[] {
  const instances = readField(page, "instances");
  return Array.isArray(instances) ? instances : [];
}

/** Returns the latest entry of each instance, which may be on two pages while they are written. */
function toLatest(instances: readonly unknown[]): Iterable<unknown> {
  return new Map(instances.map((each) => [readText(each, "instanceId"), each])).values();
}

/** Returns the failed instance, if it is one; waiting ones have no code yet. */
function toFailed(instance: unknown): readonly FailedInstance[] {
  const instanceId = readText(instance, "instanceId");
  const code = readText(instance, "code");
  const isFailed = FAILED_STATES.has(readField(instance, "state")) && instanceId !== undefined && code !== undefined;
  return isFailed ? [{ instanceId, code }] : [];
}
