import { cutText, toPluginOutput } from "./play-command.ts";
import { type CommandStep, detailsOf, isOver, type SimCommand, type SimInvocation, toStatus } from "./sim-command.ts";

/** "GetCommandInvocation": the first 24,000 characters of stdout, 8,000 of stderr. */
const MAX_STDOUT = 24_000;
const MAX_STDERR = 8_000;

/** One step on one instance. */
export interface StepResult {
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
export function toPlugin(command: SimCommand, instanceId: string, result: StepResult): unknown {
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
    ...toUrls(command, instanceId, step),
  };
}

/** The fields of GetCommandInvocation that are of one step. */
export function toStepFields(command: SimCommand, instanceId: string, result: StepResult): object {
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
    ...toUrls(command, instanceId, step),
  };
}

/** Where a step's streams go, without the name of the stream. Source: user guide, "Configure ... output" (S3 paths). */
export function toOutputKey(
  { output, commandId }: SimCommand,
  instanceId: string,
  { action, name }: CommandStep,
): string {
  const plugin = action.replace(":", "");
  const step = name === action ? `0.${plugin}` : name.replace(":", "");
  return [output.prefix, commandId, instanceId, plugin, step].filter((each) => each !== "").join("/");
}

function toUrls(command: SimCommand, instanceId: string, step: CommandStep): object {
  const { output, region } = command;
  if (output.bucket === "") return { StandardOutputUrl: "", StandardErrorUrl: "" };
  const base = `https://s3.${region}.amazonaws.com/${output.bucket}/${toOutputKey(command, instanceId, step)}`;
  return { StandardOutputUrl: `${base}/stdout`, StandardErrorUrl: `${base}/stderr` };
}

function toText(at: number | undefined): string {
  return at === undefined ? "" : new Date(at).toISOString();
}
