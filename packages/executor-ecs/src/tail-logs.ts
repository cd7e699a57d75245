import { type CloudWatchLogsClient, GetLogEventsCommand, type OutputLogEvent } from "@aws-sdk/client-cloudwatch-logs";
import { findLogStream, type LoggingContainer } from "./log-stream.ts";

/** What reading a log needs. */
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
  /** Where an earlier answer ended: only what is newer is read. */
  readonly after?: string;
  /** Takes secrets out of a line. */
  readonly mask?: (line: string) => string;
}

/** The last lines of a log, oldest first; `none` says why there are none to be had. */
export type LogTail =
  | {
      readonly kind: "lines";
      readonly lines: readonly string[];
      /** How many new ones there was no room for; absent: none. */
      readonly skipped?: number;
      /** Where to go on with `after`. */
      readonly next: string | undefined;
      readonly group: string;
      readonly stream: string;
    }
  | { readonly kind: "none"; readonly why: string };

/** How much of a log's end is shown. */
export const MAX_TAIL_LINES = 50;
/** UTF-8 bytes of those lines, line ends included. */
export const MAX_TAIL_BYTES = 8_192;

/** GetLogEvents API: a page may be empty although there is more; the end is reached when the token stays the same. */
const MAX_PAGES = 5;

/**
 * The end of a container's log: at most 50 lines and 8 KiB, secrets masked. A log that cannot be read is no failure of the
 * task: the answer says why.
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
    const lines = boundLines(all, input.lines);
    const skipped = input.after === undefined ? 0 : read.skipped + all.length - lines.length;
    return { kind: "lines", lines, ...(skipped === 0 ? {} : { skipped }), next: read.next, group, stream: name };
  } catch (error) {
    if (deps.signal.aborted) throw error;
    return { kind: "none", why: toUnreadable(error, stream) };
  }
}

/** The last lines that fit into lines and bytes; a single line that does not fit keeps its end. */
export function boundLines(lines: readonly string[], max: number = MAX_TAIL_LINES): readonly string[] {
  const kept: string[] = [];
  let bytes = 0;
  for (const line of lines.slice(max === 0 ? lines.length : -Math.min(max, MAX_TAIL_LINES)).reverse()) {
    bytes += Buffer.byteLength(line) + 1;
    if (bytes > MAX_TAIL_BYTES) {
      if (kept.length === 0) kept.push(toEndOf(line));
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
    const input = { ...at, limit, startFromHead: false, ...(nextToken === undefined ? {} : { nextToken }) };
    const answer = await logs.send(new GetLogEventsCommand(input), { abortSignal: signal });
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
    const answer = await logs.send(new GetLogEventsCommand(input), { abortSignal: signal });
    const all = [...events, ...(answer.events ?? [])];
    events = all.slice(-MAX_TAIL_LINES);
    skipped += all.length - events.length;
    if (answer.nextForwardToken === undefined || answer.nextForwardToken === next) break;
    next = answer.nextForwardToken;
  }
  return { events, skipped, next };
}

/** The client is one of the task's region, and `awslogs-region` may name another one. */
async function isElsewhere({ logs }: LogDeps, region: string | undefined): Promise<boolean> {
  if (region === undefined) return false;
  return logs.config.region().then((own) => own !== region);
}

function toLines(message: string, mask: TailInput["mask"]): readonly string[] {
  // Control characters would move the cursor of whoever reads the log in a terminal.
  const plain = message.replace(/(?![\t\n])\p{Cc}/gu, "").replace(/\n+$/, "");
  return (mask === undefined ? plain : mask(plain)).split("\n");
}

function toEndOf(line: string): string {
  const bytes = Buffer.from(line).subarray(-(MAX_TAIL_BYTES - 4));
  return `…${bytes.toString("utf8").replace(/^\uFFFD+/, "")}`;
}

function toUnreadable(error: unknown, { group, stream }: { readonly group: string; readonly stream: string }): string {
  const name = error instanceof Error ? error.name : "Error";
  if (name === "ResourceNotFoundException") return `there is no log ${group} ${stream}`;
  const advice = name === "AccessDeniedException" ? "; allow logs:GetLogEvents" : "";
  return `the log ${group} ${stream} could not be read (${name})${advice}`;
}
