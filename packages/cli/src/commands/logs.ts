import { setTimeout as sleep } from "node:timers/promises";
import {
  defined,
  findTime,
  formatLogTime,
  isStackyardError,
  type LogTime,
  optionalFlag,
  optionalInteger,
  toShellCommand,
} from "@stackyard/core";
import { fieldOf, retryStack } from "@stackyard/core/api/operations";
import type { Attempt, StackDetails } from "@stackyard/sdk";
import { type Static, Type } from "typebox";

import { failWith } from "../failure.ts";
import { defineServerCommand, type ServerContext } from "../server/connection.ts";
import { stackArg } from "./stack-args.ts";

const Args = Type.Object({
  ...stackArg,
  task: fieldOf(retryStack, "task", { description: "Only logs of this task.", completes: "task" }),
  attempt: optionalInteger("Number of the attempt within an entry. Default: the newest.", { minimum: 1 }),
  entry: optionalInteger("Number of the entry into a state. Default: the newest with such an attempt.", { minimum: 0 }),
  full: optionalFlag("Show whole logs, up to 16 MiB each, also of attempts that are running."),
  timestamps: optionalFlag("Show whole logs, as --full, and before each line when it was logged, in UTC.", {
    short: "t",
  }),
  follow: optionalFlag("Wait for running attempts, and for those that follow.", { short: "f" }),
});
type Args = Static<typeof Args>;

/** `stackyard stacks logs` */
export const stacksLogs = defineServerCommand({
  name: "stacks logs",
  summary: "Show the logs of a stack's ended task attempts, even after the stack was removed.",
  description: [
    "Shows the newest attempt of each task, oldest first. A log is the end of the task's output, at most 64 KiB. The last 50 ended attempts of a stack are available.",
    "The log of a running attempt is available when it ends, because only then all sensitive outputs are known and masked. Until then its latest progress message is shown.",
    "--timestamps shows times to a tenth of a second, and `-` where none is known, as in a log of which only the end is stored.",
    "--full shows the whole log, and with --follow its lines as they come, within a second. Values that a task declares as sensitive outputs are masked there when the attempt ends. Whole logs are kept for 7 days.",
  ].join("\n"),
  examples: {
    "stackyard stacks logs pr-12": "Show the newest attempt of every task.",
    "stackyard stacks logs pr-12 network --attempt 1": "Show the first attempt of one task.",
    "stackyard stacks logs pr-12 --follow": "Follow the logs until no task is running.",
    "stackyard stacks logs pr-12 network --timestamps": "Show when each line of a task was logged.",
    "stackyard stacks logs pr-12 network --full --follow": "Show each line immediately after it was logged.",
  },
  args: Args,
  positionals: ["stack", "task"],
  async run(context, args) {
    const attempts = await context.yard.stacks.attempts(args.stack, { signal: context.signal });
    const chosen = chooseAttempts(attempts, args);
    const mayCome = args.follow === true && (await findStack(context, args.stack)) !== undefined;
    if (chosen.length === 0 && !mayCome) throw await toMissing(context, args, attempts);
    // Earlier ends are shown first, or were not requested.
    const ended = attempts.filter(({ status }) => status === "settled").map(({ attemptId }) => attemptId);
    const isWhole = args.full === true || args.timestamps === true;
    if (isWhole) return showWholeLogs(context, args, { chosen, shown: new Set(ended) });
    for (const attempt of chosen) {
      if (args.follow !== true || attempt.status === "settled") await showLog(context, attempt);
    }
    return args.follow === true ? followLogs(context, args, new Set(ended)) : 0;
  },
});

/** Returns the newest requested attempt of each task, in the order of dispatch. */
function chooseAttempts(attempts: readonly Attempt[], wanted: Args): readonly Attempt[] {
  const newest = new Map<string, Attempt>();
  for (const each of attempts) {
    if (!matches(each, wanted)) continue;
    const other = newest.get(each.task);
    if (other === undefined || compareAge(other, each) < 0) newest.set(each.task, each);
  }
  return [...newest.values()].sort(compareAge);
}

function compareAge(a: Attempt, b: Attempt): number {
  return a.entry - b.entry || a.dispatchedAt.localeCompare(b.dispatchedAt) || a.attempt - b.attempt;
}

/** Prints the log of an attempt that has ended, or the current status of one that has not. */
async function showLog({ out, yard, signal }: ServerContext, attempt: Attempt): Promise<void> {
  const { attemptId, task, entry, hasLog, status, outcome } = attempt;
  const text = hasLog ? await yard.stacks.attemptLog(attemptId, { signal }) : "";
  const facts = { attemptId, task, entry, attempt: attempt.attempt, status, ...defined({ outcome }), text };
  out.result(
    facts,
    () => `${out.paint("bold", toHead(attempt))}\n${text === "" ? explainNoLog(attempt) : text.trimEnd()}`,
  );
}

function toHead({ task, attempt, entry, outcome, status }: Attempt): string {
  return `── ${task}, attempt ${attempt} of entry ${entry}: ${outcome ?? status}`;
}

/** Shows whole logs; with `follow` also those of the attempts that follow, until no task is running or pending. */
async function showWholeLogs(
  context: ServerContext,
  args: Args,
  { chosen, shown }: { readonly chosen: readonly Attempt[]; readonly shown: Set<string> },
): Promise<number> {
  for (let next = chosen; ; ) {
    const exitCode = await showFullLogs(context, next, args);
    if (exitCode !== 0 || args.follow !== true) return exitCode;
    for (const { attemptId } of next) shown.add(attemptId);
    const { stack, wanted } = await findWanted(context, args);
    next = wanted.filter(({ attemptId }) => !shown.has(attemptId));
    if (next.length > 0) continue;
    if (!isPending(stack, args)) return 0;
    await sleep(LOOK_MS, undefined, { signal: context.signal }).catch(() => undefined);
    if (context.signal.aborted) return INTERRUPTED;
  }
}

/** Shows whole logs, one attempt after the other. `follows`: until each has ended. */
async function showFullLogs(
  context: ServerContext,
  attempts: readonly Attempt[],
  { follow: follows = false, timestamps: timed = false }: Args,
): Promise<number> {
  for (const attempt of attempts) {
    const { out, signal } = context;
    if (!out.json) out.text(out.paint("bold", toHead(attempt)));
    let to = await showPart(context, attempt, { from: 0, timed });
    for (let mayCome = follows && attempt.status !== "settled"; mayCome && !signal.aborted; ) {
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
      // Reads the status first, so that lines logged before the end are shown.
      mayCome = await isOpen(context, attempt);
      to = await showPart(context, attempt, { from: to, timed });
    }
    if (signal.aborted) return INTERRUPTED;
    if (to === 0) out.note("It left no log.");
  }
  return 0;
}

interface Part {
  readonly from: number;
  /** With the time before each line. */
  readonly timed: boolean;
}

async function showPart(context: ServerContext, attempt: Attempt, { from, timed }: Part): Promise<number> {
  const { out, yard, signal } = context;
  const { attemptId, task, entry } = attempt;
  const { text, to } = await yard.stacks.log(attemptId, { from, signal });
  if (text === "") return to;
  const times = timed ? await loadTimes(context, attemptId, { from, to }) : undefined;
  const value = { attemptId, task, entry, attempt: attempt.attempt, from, text, ...defined({ times }) };
  const lines = text.replace(/\n$/, "");
  out.result(value, () => (times === undefined ? lines : toTimedLines(lines, from, times)));
  return to;
}

/** Loads the times of a part, of which the server returns a piece at once. */
async function loadTimes(
  { yard, signal }: ServerContext,
  attemptId: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<readonly LogTime[]> {
  const all: LogTime[] = [];
  for (let place = from; place < to; ) {
    const piece = await yard.stacks.logTimes(attemptId, { from: place, to, signal });
    all.push(...piece.times);
    if (piece.to <= place) break;
    place = piece.to;
  }
  return all;
}

function toTimedLines(text: string, from: number, times: readonly LogTime[]): string {
  let at = from;
  const lines = text.split("\n").map((line) => {
    const timed = `${formatLogTime(findTime(times, at))} ${line}`;
    at += Buffer.byteLength(line) + 1;
    return timed;
  });
  return lines.join("\n");
}

async function isOpen({ yard, signal }: ServerContext, { stackId, attemptId }: Attempt): Promise<boolean> {
  const attempts = await yard.stacks.attempts(stackId, { signal });
  return attempts.some((each) => each.attemptId === attemptId && each.status !== "settled");
}

function explainNoLog({ stackId, status, progressMessage }: Attempt): string {
  if (status === "settled")
    return `It left no log. \`${toShellCommand`stackyard stacks show ${stackId}`}\` shows how it ended.`;
  const newest = progressMessage === undefined ? "" : ` Newest line: ${progressMessage}`;
  return `Its log comes when the attempt ends.${newest}`;
}

const LOOK_MS = 1_000;

/** Prints progress and logs until none of the requested tasks is pending or running. */
async function followLogs(context: ServerContext, args: Args, shown: Set<string>): Promise<number> {
  const { signal } = context;
  while (!signal.aborted) {
    const { stack, wanted } = await findWanted(context, args);
    const running = wanted.filter(({ status }) => status !== "settled");
    const ended = wanted.filter(({ status, attemptId }) => status === "settled" && !shown.has(attemptId));
    for (const attempt of ended) {
      shown.add(attempt.attemptId);
      await showLog(context, attempt);
    }
    for (const attempt of running) showProgress(context, attempt);
    if (running.length === 0 && !isPending(stack, args)) return 0;
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return INTERRUPTED;
}

/** Loads the stack, and its requested attempts in their order. */
async function findWanted(context: ServerContext, args: Args) {
  const { yard, signal } = context;
  const [stack, attempts] = await Promise.all([
    findStack(context, args.stack),
    yard.stacks.attempts(args.stack, { signal }),
  ]);
  return { stack, wanted: attempts.filter((each) => matches(each, args)).sort(compareAge) };
}

function showProgress({ out }: ServerContext, { attemptId, task, status, progressMessage = "" }: Attempt): void {
  const value = { kind: "progress", attemptId, task, status, message: progressMessage };
  out.progress(value, () => `${task} ${status}${progressMessage === "" ? "" : `: ${progressMessage}`}`);
}

const INTERRUPTED = 130;

function matches({ task, attempt, entry }: Attempt, wanted: Args): boolean {
  return (
    (wanted.task === undefined || wanted.task === task) &&
    (wanted.attempt === undefined || wanted.attempt === attempt) &&
    (wanted.entry === undefined || wanted.entry === entry)
  );
}

function isPending(stack: StackDetails | undefined, { task, entry, attempt }: Args): boolean {
  if (stack === undefined || (entry !== undefined && entry !== stack.entry)) return false;
  return stack.tasks.some((each) => {
    const isWanted = task === undefined || each.name === task;
    const mayCome = attempt === undefined || (each.attempt?.attempt ?? 0) < attempt;
    return isWanted && mayCome && each.status === "PENDING";
  });
}

async function findStack({ yard, signal }: ServerContext, stackId: string): Promise<StackDetails | undefined> {
  try {
    return await yard.stacks.get(stackId, { signal });
  } catch (error) {
    if (isStackyardError(error, "STACK_UNKNOWN")) return undefined;
    throw error;
  }
}

/** Explains why no log is available, and lists the available ones. */
async function toMissing(context: ServerContext, args: Args, attempts: readonly Attempt[]): Promise<Error> {
  const { stack, task } = args;
  if (attempts.length > 0) {
    const names = [...new Set(attempts.map((each) => each.task))].sort().join(", ");
    const hint = `It has attempts of ${names}; \`${toShellCommand`stackyard stacks logs ${stack}`}\` shows the newest of each.`;
    const what = task === undefined ? "attempt" : `attempt of task "${task}"`;
    return failWith("NOT_FOUND", `Stack "${stack}" has no matching ${what}.`, { hint });
  }
  const { items } = await context.yard.stacks.history(stack, { limit: 1, signal: context.signal });
  if (items.length === 0) return failWith("STACK_UNKNOWN", `Stack "${stack}" has no history.`);
  const hint = `\`${toShellCommand`stackyard stacks history ${stack}`}\` shows what happened to it.`;
  return failWith("NOT_FOUND", `Stack "${stack}" has no stored attempts.`, { hint });
}
