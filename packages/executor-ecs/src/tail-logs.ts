import { type CloudWatchLogsClient, GetLogEventsCommand, type OutputLogEvent } from "@aws-sdk/client-cloudwatch-logs";
import { asProbe, isDenial, toAnswer } from "@stackyard/aws";
import { cutText, defined, keepEndBytes, trimEndOf } from "@stackyard/core";
import { type TaskFailure, toLastPart } from "./judge.ts";

/** The dependencies of reading a log. */
export interface LogDeps {
  readonly logs: CloudWatchLogsClient;
  readonly signal: AbortSignal;
}

/** Which container's log, and how much of its end. */
export interface TailInput {
  readonly taskArn: string;
  readonly container: LoggingContainer | undefined;
  /** Default: 50. */
  readonly lines?: number;
  /** UTF-8 bytes of these lines. Default: 8 KiB. */
  readonly maxBytes?: number;
  /** The end of an earlier response: only newer lines are read. */
  readonly after?: string;
  /** Masks secrets in a line. */
  readonly mask?: (line: string) => string;
}

/** The last lines of a log, oldest first. `none` is the reason if they cannot be read. */
export type LogTail =
  | {
      readonly kind: "lines";
      readonly lines: readonly string[];
      /** The number of new lines that were left out. Missing: 0. */
      readonly skipped?: number;
      /** The position for `after` in the next read. */
      readonly next: string | undefined;
      readonly group: string;
      readonly stream: string;
    }
  | { readonly kind: "none"; readonly why: string };

/** The length of a log's end that is shown. */
export const MAX_TAIL_LINES = 50;
/** UTF-8 bytes of those lines, line ends included. */
export const MAX_TAIL_BYTES = 8_192;

/** GetLogEvents API: a page may be empty although there is more; the end is reached when the token stays the same. */
const MAX_PAGES = 5;

/**
 * Returns the end of a container's log: at most 50 lines and 8 KiB, secrets masked. An unreadable log does not fail the
 * task: the result contains the reason.
 */
export async function tailLogs(deps: LogDeps, input: TailInput): Promise<LogTail> {
  const stream = findLogStream(input.container, input.taskArn);
  if (stream.kind === "none") return stream;
  const { group, stream: name, region } = stream;
  const at = { logGroupName: group, logStreamName: name };
  try {
    if (await isElsewhere(deps, region)) return { kind: "none", why: `its log ${group} is in ${region}` };
    const read = input.after === undefined ? await readEnd(deps, at, input) : await readOn(deps, at, input.after);
    const all = read.events.flatMap(({ message = "" }) => toLines(message, input.mask));
    const lines = boundLines(all, input.lines, input.maxBytes);
    const skipped = input.after === undefined ? 0 : read.skipped + all.length - lines.length;
    return { kind: "lines", lines, ...(skipped === 0 ? {} : { skipped }), next: read.next, group, stream: name };
  } catch (error) {
    if (deps.signal.aborted) throw error;
    return { kind: "none", why: toUnreadable(error, stream) };
  }
}

/** Returns the last lines that fit into lines and bytes; a single line that does not fit keeps its end. */
export function boundLines(
  lines: readonly string[],
  max: number = MAX_TAIL_LINES,
  maxBytes: number = MAX_TAIL_BYTES,
): readonly string[] {
  const kept: string[] = [];
  let bytes = 0;
  for (const line of lines.slice(max === 0 ? lines.length : -Math.min(max, MAX_TAIL_LINES)).reverse()) {
    bytes += Buffer.byteLength(line) + 1;
    if (bytes > maxBytes) {
      if (kept.length === 0) kept.push(toEndOf(line, maxBytes));
      break;
    }
    kept.push(line);
  }
  return kept.reverse();
}

interface Place {
  readonly logGroupName: string;
  readonly logStreamName: string;
}

interface Events {
  readonly events: readonly OutputLogEvent[];
  readonly skipped: number;
  readonly next: string | undefined;
}

async function readEnd({ logs, signal }: LogDeps, at: Place, { lines = MAX_TAIL_LINES }: TailInput): Promise<Events> {
  const limit = Math.max(1, Math.min(lines, MAX_TAIL_LINES));
  let events: readonly OutputLogEvent[] = [];
  let next: string | undefined;
  let nextToken: string | undefined;
  for (let page = 0; page < MAX_PAGES && events.length < limit; page++) {
    const input = { ...at, limit, startFromHead: false, ...defined({ nextToken }) };
    const answer = await logs.send(asProbe(new GetLogEventsCommand(input)), { abortSignal: signal });
    events = [...(answer.events ?? []), ...events];
    next ??= answer.nextForwardToken;
    if (answer.nextBackwardToken === undefined || answer.nextBackwardToken === nextToken) break;
    nextToken = answer.nextBackwardToken;
  }
  return { events, skipped: 0, next };
}

async function readOn({ logs, signal }: LogDeps, at: Place, after: string): Promise<Events> {
  let events: readonly OutputLogEvent[] = [];
  let next = after;
  let skipped = 0;
  for (let page = 0; page < MAX_PAGES; page++) {
    const input = { ...at, startFromHead: true, nextToken: next };
    const answer = await logs.send(asProbe(new GetLogEventsCommand(input)), { abortSignal: signal });
    const all = [...events, ...(answer.events ?? [])];
    events = all.slice(-MAX_TAIL_LINES);
    skipped += all.length - events.length;
    if (answer.nextForwardToken === undefined || answer.nextForwardToken === next) break;
    next = answer.nextForwardToken;
  }
  return { events, skipped, next };
}

/** Returns true for another region: the client is for the task's region, and `awslogs-region` may name another. */
async function isElsewhere({ logs }: LogDeps, region: string | undefined): Promise<boolean> {
  if (region === undefined) return false;
  return logs.config.region().then((own) => own !== region);
}

function toLines(message: string, mask: TailInput["mask"]): readonly string[] {
  // Control characters would move the cursor of a terminal.
  const plain = trimEndOf(message.replace(/(?![\t\n])\p{Cc}/gu, ""), "\n");
  return (mask === undefined ? plain : mask(plain)).split("\n");
}

function toEndOf(line: string, maxBytes: number): string {
  return `…${keepEndBytes(line, maxBytes - 4)}`;
}

function toUnreadable(error: unknown, { group, stream }: { readonly group: string; readonly stream: string }): string {
  const name = error instanceof Error ? error.name : "Error";
  if (toAnswer(error) === "gone") return `the log stream ${group} ${stream} does not exist`;
  const advice = isDenial(error) ? "; allow logs:GetLogEvents" : "";
  return `the log ${group} ${stream} could not be read (${name})${advice}`;
}

/** The parts of a container's definition that configure its log (ECS API, ContainerDefinition). */
interface LoggingContainer {
  readonly name?: string | undefined;
  readonly logConfiguration?:
    | { readonly logDriver?: string | undefined; readonly options?: Readonly<Record<string, string>> | undefined }
    | undefined;
}

/** A stream of CloudWatch Logs, or why it is missing. */
export type LogStream =
  | { readonly kind: "stream"; readonly group: string; readonly stream: string; readonly region: string | undefined }
  | { readonly kind: "none"; readonly why: string };

/**
 * Returns the log stream of one container of one task. ECS names it `prefix/container/taskId` (developer guide, "Using
 * the awslogs driver", awslogs-stream-prefix); without a prefix Docker names it after the container's id, which is
 * unknown here.
 */
export function findLogStream(container: LoggingContainer | undefined, taskArn: string): LogStream {
  const { logDriver, options = {} } = container?.logConfiguration ?? {};
  const name = container?.name ?? "";
  if (logDriver === undefined) return { kind: "none", why: `container ${name} has no log configuration` };
  if (logDriver !== "awslogs") return { kind: "none", why: `container ${name} logs with ${logDriver}, not awslogs` };
  const group = options["awslogs-group"];
  const prefix = options["awslogs-stream-prefix"];
  if (group === undefined) return { kind: "none", why: `container ${name} names no awslogs-group` };
  if (prefix === undefined) return { kind: "none", why: `container ${name} has no awslogs-stream-prefix` };
  return {
    kind: "stream",
    group,
    stream: `${prefix}/${name}/${toLastPart(taskArn)}`,
    region: options["awslogs-region"],
  };
}

/** The end of the log of one failure's container. */
export interface FailureLog {
  readonly taskArn: string;
  readonly container: string;
  readonly tail: LogTail;
}

const SHORT_ID_CHARS = 8;
const MAX_CHARS = 16_384;
const MAX_PART_CHARS = 1_000;

/** Advice for reasons with a documented beginning (developer guide, "Stopped tasks error messages"). */
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
    "The container's runtime did not respond in time. Try again, or check the instance.",
  ],
];

/**
 * Formats failures for people, without the code: per failure the task, the container, its exit code, the stop and its
 * reasons, advice for known ones, and the end of its log.
 */
export function toFailureText(
  failures: readonly TaskFailure[],
  { logs = [], maxChars = MAX_CHARS }: { readonly logs?: readonly FailureLog[]; readonly maxChars?: number } = {},
): string {
  const sentences = failures.map(toSentence);
  const hints = HINTS.filter(([pattern]) => failures.some((failure) => pattern.test(toReasons(failure))));
  const head = [...sentences, ...hints.map(([, hint]) => hint)].join(" ");
  return cutText([head, ...toTailTexts(failures, logs)].join(" "), maxChars);
}

type LogOwner = Pick<TaskFailure, "taskArn" | "container">;

/** Formats the ends of the logs of these containers; equal ones once. */
export function toTailTexts(owners: readonly LogOwner[], logs: readonly FailureLog[]): readonly string[] {
  return [...new Set(owners.flatMap((owner) => toTailText(owner, logs, owners.length > 1)))];
}

/** Returns the first eight characters of a task's id. */
export function toShortId(taskArn: string): string {
  return toLastPart(taskArn).slice(0, SHORT_ID_CHARS);
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

function toTailText(owner: LogOwner, logs: readonly FailureLog[], isOneOfMany: boolean): readonly string[] {
  const found = logs.find(({ taskArn, container }) => taskArn === owner.taskArn && container === owner.container);
  if (found === undefined) return [];
  const { tail } = found;
  if (tail.kind === "none") return [`No log: ${tail.why}.`];
  const of = isOneOfMany ? ` of ${toShortId(found.taskArn)}/${found.container}` : "";
  return tail.lines.length === 0 ? [`Its log${of} is empty.`] : [`Last lines${of}: ${tail.lines.join("\n")}`];
}

function toSentenceOf(text: string): string {
  const short = cutText(text.trim(), MAX_PART_CHARS);
  return /[.!?…]$/.test(short) ? short : `${short}.`;
}
