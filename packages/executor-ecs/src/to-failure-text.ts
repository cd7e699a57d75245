import type { TaskFailure } from "./judge.ts";
import { toTaskId } from "./log-stream.ts";
import type { LogTail } from "./tail-logs.ts";

/** The end of the log of one failure's container. */
export interface FailureLog {
  readonly taskArn: string;
  readonly container: string;
  readonly tail: LogTail;
}

const SHORT_ID_CHARS = 8;
const MAX_CHARS = 16_384;
const MAX_PART_CHARS = 1_000;

/** What to do about reasons whose beginning is documented (developer guide, "Stopped tasks error messages"). */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /CannotPull(Container|ECRContainer)?Error|CannotPullImageManifestError/,
    "Look at the image's name and tag, the execution role's rights on the registry, and the way out: a public address, NAT, or endpoints for ecr.api, ecr.dkr and s3.",
  ],
  [
    /ResourceInitializationError/,
    "Look at the execution role (secrets, parameters, log groups) and at the way out to secretsmanager, ssm, ecr and logs.",
  ],
  [/OutOfMemory(Error)?/, "The container ran out of memory (exit code 137): raise its memory or the task's."],
  [/CannotStartContainerError/, "Look at the command, the entry point and the container's user, mounts and limits."],
  [
    /ContainerRuntimeTimeoutError/,
    "The container's runtime did not answer in time; try again, or look at the instance.",
  ],
];

/**
 * What went wrong, for people, without the code before it: per failure the task, the container, its exit code, the stop and
 * its reasons, what to do about known ones, and the end of its log.
 */
export function toFailureText(
  failures: readonly TaskFailure[],
  { logs = [], maxChars = MAX_CHARS }: { readonly logs?: readonly FailureLog[]; readonly maxChars?: number } = {},
): string {
  const sentences = failures.map(toSentence);
  const hints = HINTS.filter(([pattern]) => failures.some((failure) => pattern.test(toReasons(failure))));
  const head = [...sentences, ...hints.map(([, hint]) => hint)].join(" ");
  const tails = failures.flatMap((failure) => toTailText(failure, logs, failures.length > 1));
  return cut([head, ...new Set(tails)].join(" "), maxChars);
}

/** The first eight characters of a task's id. */
export function toShortId(taskArn: string): string {
  return toTaskId(taskArn).slice(0, SHORT_ID_CHARS);
}

function toSentence(failure: TaskFailure): string {
  const { taskArn, container, exitCode, stopCode, stoppedReason, reason } = failure;
  const who = [taskArn === "" ? "" : `task ${toShortId(taskArn)}`, container && `container ${container}`].filter(
    Boolean,
  );
  const stop = stopCode === undefined ? "" : ` (${stopCode})`;
  const reasons = [stoppedReason, reason].flatMap((text) => (text ? [toSentenceOf(text)] : []));
  const told = `${[...who, toVerb(failure.code, exitCode)].join(" ")}${stop}.`;
  return [told, ...new Set(reasons)].join(" ");
}

function toVerb(code: TaskFailure["code"], exitCode: number | undefined): string {
  if (exitCode !== undefined) return `exited with ${exitCode}`;
  return code === "ECS_TASK_STOPPED" ? "was stopped from outside" : "has no exit code";
}

function toReasons({ reason = "", stoppedReason = "" }: TaskFailure): string {
  return `${reason}\n${stoppedReason}`;
}

function toTailText(failure: TaskFailure, logs: readonly FailureLog[], isOneOfMany: boolean): readonly string[] {
  const found = logs.find(({ taskArn, container }) => taskArn === failure.taskArn && container === failure.container);
  if (found === undefined) return [];
  const { tail } = found;
  if (tail.kind === "none") return [`No log: ${tail.why}.`];
  const of = isOneOfMany ? ` of ${toShortId(found.taskArn)}/${found.container}` : "";
  return tail.lines.length === 0 ? [`Its log${of} is empty.`] : [`Last lines${of}: ${tail.lines.join("\n")}`];
}

function toSentenceOf(text: string): string {
  const short = cut(text.trim(), MAX_PART_CHARS);
  return /[.!?…]$/.test(short) ? short : `${short}.`;
}

function cut(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1)}…`;
}
