import type { PutJobFailureResultCommandInput, PutJobSuccessResultCommandInput } from "@aws-sdk/client-codepipeline";
import type { RunView } from "@stackyard/core/runs";
import { toContinuationToken } from "./continuation-token.ts";
import { cutText } from "./cut-text.ts";
import { toFailureType } from "./failure-type.ts";
import type { FailureType } from "./parse-pipeline-event.ts";
import type { FailedInstance, RunCounts, RunReport } from "./run-report.ts";

/** Limits of `ExecutionDetails` and `FailureDetails` (CodePipeline API reference). */
const MAX_SUMMARY = 2_048;
const MAX_MESSAGE = 5_000;
const MAX_EXTERNAL_ID = 1_500;
const NOT_SENT = "NOT_SENT";

/** The answer to one call of CodePipeline. */
export type JobResult =
  | { readonly kind: "success"; readonly input: PutJobSuccessResultCommandInput }
  | { readonly kind: "failure"; readonly input: PutJobFailureResultCommandInput };

/** What a result is made of. */
export interface JobResultInput {
  readonly jobId: string;
  readonly run: RunView;
  /** Undefined: the executor has written none yet. */
  readonly report: RunReport | undefined;
  /** False: the job is done once everything is dispatched. */
  readonly wait: boolean;
  /** Where people see the run, when it does not say so itself. */
  readonly reportUrl?: string;
}

/** How a job that has a run stands. Pure; every limit of CodePipeline is kept. */
export function toJobResult(input: JobResultInput): JobResult {
  const { jobId, run, report, wait } = input;
  if (run.state === "succeeded") return { kind: "success", input: toDone(input) };
  if (run.state === "failed" || run.state === "cancelled") return toRunFailure(jobId, run, report);
  if (!wait && isDispatched(report)) return { kind: "success", input: toDone(input) };
  return { kind: "success", input: toProgress(jobId, run, report) };
}

/** Why a job has failed. */
export interface JobFailure {
  readonly code: string;
  readonly message: string;
  /** Default: as the code says. */
  readonly type?: FailureType;
  readonly runId?: string;
}

/** The result of a job that has failed: the message begins with the code, is never empty and never too long. */
export function toFailureResult(jobId: string, { code, message, type, runId }: JobFailure): JobResult {
  const text = message.startsWith(`${code}:`) ? message : `${code}: ${message}`;
  const failureDetails = {
    type: type ?? toFailureType(code),
    message: cutText(text, MAX_MESSAGE),
    ...(runId === undefined ? {} : { externalExecutionId: cutText(runId, MAX_EXTERNAL_ID) }),
  };
  return { kind: "failure", input: { jobId, failureDetails } };
}

/** Before its command is sent, nobody is known of a run whose instances SSM finds. */
function isDispatched(report: RunReport | undefined): boolean {
  return report !== undefined && report.counts.selected > 0 && report.counts.notSent === 0;
}

function toProgress(jobId: string, run: RunView, report: RunReport | undefined): PutJobSuccessResultCommandInput {
  const { runId, message } = run;
  const counts = report?.counts;
  const summary = counts === undefined ? (message ?? "Waiting for a runner.") : toSummary(counts, "not sent yet");
  return {
    jobId,
    continuationToken: toContinuationToken(runId),
    executionDetails: {
      summary: cutText(summary, MAX_SUMMARY),
      externalExecutionId: runId,
      // A whole is told with the end only.
      percentComplete: Math.min(99, toPercent(counts)),
    },
  };
}

function toDone({ jobId, run, report, reportUrl }: JobResultInput): PutJobSuccessResultCommandInput {
  const { runId, outputs = {}, state } = run;
  const counts = report?.counts;
  const count = (name: "selected" | "succeeded" | "failed" | "skipped") => toText(outputs[name] ?? counts?.[name] ?? 0);
  const summary = counts === undefined ? (run.message ?? "Done.") : toSummary(counts, "not sent");
  return {
    jobId,
    executionDetails: {
      summary: cutText(summary, MAX_SUMMARY),
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

function toRunFailure(jobId: string, run: RunView, report: RunReport | undefined): JobResult {
  const { runId, state, error } = run;
  const failure =
    state === "cancelled"
      ? { code: "RUN_CANCELLED", message: `The run ${runId} was cancelled.` }
      : (error ?? { code: "RUN_FAILED", message: `The run ${runId} has failed.` });
  return toFailureResult(jobId, { code: failure.code, message: toMessage(failure, report), runId });
}

/** Which instances failed, as many as there is room for: that is what people look for in the pipeline. */
function toMessage({ code, message }: { code: string; message: string }, report: RunReport | undefined): string {
  if (report === undefined || report.failed.length === 0) return message;
  const room = MAX_MESSAGE - code.length - 4;
  const head = `${message} Instances: `;
  // What was not sent is a consequence; what failed comes first.
  const failed = report.failed.toSorted(
    (one, other) => Number(one.code === NOT_SENT) - Number(other.code === NOT_SENT),
  );
  return head + tellInstances(failed, room - head.length);
}

function tellInstances(failed: readonly FailedInstance[], room: number): string {
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

function toSummary(counts: RunCounts, left: string): string {
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

function toPercent(counts: RunCounts | undefined): number {
  if (counts === undefined || counts.selected === 0) return 0;
  const done = counts.succeeded + counts.failed;
  return Math.max(0, Math.min(100, Math.floor((done * 100) / counts.selected)));
}

function toText(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}
