import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { OpenRun, Stack } from "../stack.ts";
import type { Cancel } from "./decision.ts";

/** What names one attempt in the whole yard. */
export interface AttemptParts {
  readonly stackId: string;
  /** The id of the event that created the stack; `0` for rows taken over. */
  readonly life: string;
  readonly entry: number;
  readonly task: string;
  /** From 1, counted through the entry. */
  readonly attempt: number;
}

/** The id of an attempt: its five parts, each encoded as in a URL, joined by slashes. */
export function attemptIdOf(parts: AttemptParts): string {
  return listParts(parts).map(encode).join("/");
}

/** The parts of an attempt id; undefined when the text is none. */
export function parseAttemptId(id: string): AttemptParts | undefined {
  const encoded = id.split("/");
  if (encoded.length !== 5) return undefined;
  const [stackId, life, entryText, task, attemptText] = encoded.map(decode);
  const entry = parseCount(entryText);
  const attempt = parseCount(attemptText);
  if (!stackId || !life || !task || entry === undefined || attempt === undefined) return undefined;
  return { stackId, life, entry, task, attempt };
}

/** 32 lower-case hex digits that stay the same over redeliveries of an attempt; fits every service's token field. */
export function idempotencyKeyOf(parts: AttemptParts): string {
  return shortHashOf(listParts(parts).join("\u0000"));
}

/** The first half of the SHA-256 of a text's UTF-8 form, in lower-case hex. */
export function shortHashOf(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text))).slice(0, 32);
}

function listParts(parts: AttemptParts): readonly string[] {
  return [parts.stackId, parts.life, String(parts.entry), parts.task, String(parts.attempt)];
}

// A lone half of a surrogate pair, which a task's name may hold, would make the encoder throw.
function encode(part: string): string {
  return encodeURIComponent(part.toWellFormed());
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

function parseCount(text: string | undefined): number | undefined {
  return text !== undefined && /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : undefined;
}

/** How long a cancel may take where the run does not say. */
export const DEFAULT_CANCEL_WITHIN_MS = 300_000;

/** The stack without this open attempt; the same stack when it is not open. */
export function closeRun(stack: Stack, attemptId: string): Stack {
  const runs = stack.runs.filter((run) => run.attemptId !== attemptId);
  return runs.length === stack.runs.length ? stack : { ...stack, runs };
}

/** The newest open attempt of a task in the present entry whose answer sets the task's status. */
export function findCurrentRun(stack: Stack, task: string): OpenRun | undefined {
  return stack.runs.findLast((run) => run.task === task && isCurrent(stack, run));
}

/** The open attempt that a result by name ends although it changes no status: the oldest one that is left of that name. */
export function findLeftRun(stack: Stack, task: string): OpenRun | undefined {
  return stack.runs.find((run) => run.task === task && !isCurrent(stack, run));
}

/** True for runs of the present entry that were not abandoned. */
export function isCurrent(stack: Stack, run: OpenRun): boolean {
  return run.entry === stack.entry && run.abandoned === undefined;
}

/** The highest attempt that was made of a task in the present entry; 0 when there was none. */
export function attemptsOf(stack: Stack, task: string): number {
  return Object.hasOwn(stack.attempts, task) ? (stack.attempts[task] ?? 0) : 0;
}

/** True when an attempt that was made after this one is closed already: its answer counts, and this one's does not. */
export function isOvertaken(stack: Stack, run: OpenRun): boolean {
  const later = stack.runs.filter(
    ({ entry, task, attempt }) => entry === run.entry && task === run.task && attempt > run.attempt,
  );
  return later.length < attemptsOf(stack, run.task) - run.attempt;
}

/** What asks the worker of a run to stop. */
export function toCancel(run: OpenRun, why: Cancel["why"]): Cancel {
  return { attemptId: run.attemptId, withinMs: run.cancelWithinMs ?? DEFAULT_CANCEL_WITHIN_MS, why };
}
