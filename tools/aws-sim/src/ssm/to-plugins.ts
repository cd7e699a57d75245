import { cutText, toPluginOutput } from "./play-command.ts";
import { type CommandStep, detailsOf, isOver, type SimCommand, type SimInvocation, toStatus } from "./sim-command.ts";

/** "GetCommandInvocation": the first 24,000 characters of stdout, 8,000 of stderr. */
const MAX_STDOUT = 24_000;
const MAX_STDERR = 8_000;

/** One step on one instance. */
interface StepResult {
  readonly step: CommandStep;
  readonly details: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
}

/** The steps in order; those for other platforms are skipped, which is success (user guide, "precondition"). */
export function toStepResults({ steps }: SimCommand, invocation: SimInvocation, now: number): readonly StepResult[] {
  return steps.map((step) =>
    step.platforms.includes(invocation.platformType)
      ? toRun(step, invocation, now)
      : { ...toRun(step, invocation, now), ...toSkip(invocation, now) },
  );
}

function toRun(step: CommandStep, invocation: SimInvocation, now: number): StepResult {
  const details = detailsOf(invocation, now);
  const { deliveredAt, endsAt, exitCode, stdout, stderr } = invocation.course ?? {};
  const hasEnded = isOver(details) && deliveredAt !== undefined;
  return {
    step,
    details,
    exitCode: hasEnded ? (exitCode ?? -1) : -1,
    stdout: hasEnded ? (stdout ?? "") : "",
    stderr: hasEnded ? (stderr ?? "") : "",
    startedAt: deliveredAt !== undefined && deliveredAt <= now ? deliveredAt : undefined,
    endedAt: hasEnded ? endsAt : undefined,
  };
}

function toSkip(invocation: SimInvocation, now: number): Partial<StepResult> {
  if (!isOver(detailsOf(invocation, now)) || invocation.course?.deliveredAt === undefined) return {};
  const stdout = "Step execution skipped due to unsatisfied preconditions: platformType.";
  return { details: "Success", exitCode: 0, stdout, stderr: "" };
}

/** As ListCommandInvocations answers with Details. Source: API reference, "CommandPlugin". */
export function toPlugin(command: SimCommand, result: StepResult): unknown {
  const { step, details, exitCode, startedAt, endedAt } = result;
  return {
    Name: step.name,
    Status: toStatus(details),
    StatusDetails: details,
    ResponseCode: exitCode,
    ...(startedAt === undefined ? {} : { ResponseStartDateTime: new Date(startedAt) }),
    ...(endedAt === undefined ? {} : { ResponseFinishDateTime: new Date(endedAt) }),
    Output: toPluginOutput(result.stdout, result.stderr),
    OutputS3BucketName: command.output.bucket,
    OutputS3KeyPrefix: command.output.prefix,
  };
}

/** The fields of GetCommandInvocation that are of one step. */
export function toStepFields(result: StepResult): object {
  const { step, exitCode, startedAt, endedAt } = result;
  const elapsed = startedAt === undefined || endedAt === undefined ? "" : `PT${(endedAt - startedAt) / 1_000}S`;
  return {
    PluginName: step.name,
    ResponseCode: exitCode,
    ExecutionElapsedTime: elapsed,
    ExecutionStartDateTime: toText(startedAt),
    ExecutionEndDateTime: toText(endedAt),
    StandardOutputContent: cutText(result.stdout, MAX_STDOUT),
    StandardErrorContent: cutText(result.stderr, MAX_STDERR),
  };
}

function toText(at: number | undefined): string {
  return at === undefined ? "" : new Date(at).toISOString();
}
