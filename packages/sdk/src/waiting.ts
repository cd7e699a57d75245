import { cutMiddle, defined, isStackyardError, StackyardError } from "@stackyard/core";
import type { HistoryEntry, LastFailure, StackDetails } from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import { call, callPage } from "./call.ts";
import { followHistory, type WatchOptions } from "./event-stream.ts";
import { type CallOptions, type HttpClient, sleep } from "./http-client.ts";
import { EventNotAppliedError, type PublishedEvent } from "./publisher.ts";

/** The options of a wait. */
export interface WaitOptions {
  /** Default 10 min. Then `TIMED_OUT`. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** The options of a wait for a stack. */
export interface WaitForStateOptions extends WaitOptions {
  /** Called with the stack after each of its changes. */
  readonly onChange?: (stack: StackDetails) => void;
  /**
   * True to give up (`OUTCOME_NEGATIVE`, with the cause) as soon as a task has failed permanently, also if the machine
   * handles `FAILED`, or the stack can no longer get there without help. Default false: an operator may retry or send
   * an event.
   */
  readonly stopOnFailure?: boolean;
  /**
   * The event that the wait follows: it must be applied first (else `EventNotAppliedError`), and what its work lacks is a
   * failure; one without work of its own continues with the present work. Without it, the result of the first poll must be
   * unchanged two seconds later, because an event may be on its way.
   */
  readonly after?: PublishedEvent | HistoryEntry;
}

/** The options of a wait for an event. */
export interface WaitForOutcomeOptions extends WaitOptions {
  /** Called when the event is parked. It is retried automatically, so the wait continues. */
  readonly onParked?: (entry: HistoryEntry) => void;
}

const DEFAULT_TIMEOUT_MS = 600_000;

/** The time for which the first result of a wait without an event must remain unchanged, in milliseconds. */
const GRACE_MS = 2_000;

/** Resolves when the stack is in one of the states. A stack that is not there yet is waited for. */
export async function waitForState(
  http: HttpClient,
  input: { readonly stackId: string; readonly states: readonly string[] },
  options: WaitForStateOptions = {},
): Promise<StackDetails> {
  const { stackId, states } = input;
  const found = await waitForStack(http, { stackId, goal: { states } }, options);
  // Impossible without that goal.
  if (found === "removed") throw negative(`Stack "${stackId}" is gone.`, { stackId });
  return found;
}

/** Resolves when the stack does not exist or was removed. */
export async function waitForRemoval(
  http: HttpClient,
  stackId: string,
  options: WaitForStateOptions = {},
): Promise<void> {
  await waitForStack(http, { stackId, goal: { removal: true } }, options);
}

/** Resolves with the stack in one of the states, or with `removed` where that is a goal too. */
export async function waitForStack(
  http: HttpClient,
  input: { readonly stackId: string; readonly goal: WaitGoal },
  options: WaitForStateOptions = {},
): Promise<StackDetails | "removed"> {
  const { stackId, goal } = input;
  const startedAt = Date.now();
  const after = await findApplied(http, options);
  if (after?.outcome === "removed" && goal.removal) return "removed";
  const seen: Seen = { first: undefined, last: undefined, after };
  const look = async (call: CallOptions): Promise<StackDetails | "removed" | undefined> => {
    const stack = await findStack(http, stackId, call);
    seen.last = stack ?? "missing";
    if (stack === undefined) return answerMissing(input, seen);
    options.onChange?.(stack);
    const isFirst = seen.first === undefined;
    seen.first ??= stack;
    const status = options.stopOnFailure ? evaluateGoal(stack, goal, seen) : evaluateState(stack, goal);
    const isNegative = status.kind === "failed" || status.kind === "unreachable";
    if (!isNegative || !isFirst || after !== undefined) return answer(status, stack);
    await sleep(GRACE_MS, call.signal ?? new AbortController().signal);
    return look(call);
  };
  const awaited = { goal: `stack "${stackId}" was ${formatPlace(goal)}`, explain: () => explainStack(seen) };
  return waitUntil(http, { stackId }, { ...options, startedAt }, awaited, look);
}

/** The observations of a wait so far. */
interface Seen {
  first: StackDetails | undefined;
  /** Undefined before the first answer. */
  last: StackDetails | "missing" | undefined;
  readonly after: HistoryEntry | undefined;
}

function explainStack({ last }: Seen): string {
  if (last === undefined) return NO_ANSWER;
  return last === "missing" ? "it does not exist." : `it is in ${last.state}. ${last.summary}`;
}

const NO_ANSWER = "the server has not answered.";

function evaluateState({ state }: StackDetails, { states = [] }: WaitGoal): GoalStatus {
  return { kind: states.includes(state) ? "reached" : "open" };
}

function answer(status: GoalStatus, stack: StackDetails): StackDetails | undefined {
  if (status.kind === "reached") return stack;
  if (status.kind === "open") return undefined;
  const failure = status.kind === "failed" ? { failure: status.failure } : {};
  throw negative(status.message, { stackId: stack.id, state: stack.state, ...failure });
}

/** Returns `removed` for a missing stack; undefined if it may not exist yet. Throws if its removal is not the goal. */
function answerMissing(
  { stackId, goal }: { readonly stackId: string; readonly goal: WaitGoal },
  { first, after }: Seen,
): "removed" | undefined {
  const wasThere = first !== undefined || after !== undefined || (goal.states ?? []).length === 0;
  if (!wasThere) return undefined;
  if (goal.removal) return "removed";
  throw negative(`Stack "${stackId}" is gone.`, { stackId });
}

/** Returns the history line of the event that a wait follows. */
async function findApplied(http: HttpClient, options: WaitForStateOptions): Promise<HistoryEntry | undefined> {
  const { after, timeoutMs, signal } = options;
  if (after === undefined || "outcome" in after) return after;
  const { eventId, stackId } = after;
  return waitForOutcome(http, { eventId, stackId }, defined({ timeoutMs, signal }));
}

/**
 * Resolves with the history line of the event's application. Throws `EventNotAppliedError` when it was dead-lettered,
 * refused or ignored.
 */
export async function waitForOutcome(
  http: HttpClient,
  { eventId, stackId }: PublishedEvent,
  options: WaitForOutcomeOptions = {},
): Promise<HistoryEntry> {
  let told = 0;
  let why = NO_ANSWER;
  const awaited = { goal: `event "${eventId}" of "${stackId}" was applied`, explain: () => why };
  return waitUntil(http, { stackId }, options, awaited, async (page) => {
    const query = { eventId, stackId, order: "oldest" };
    const lines = await callPage<typeof op.listHistory>(http, "GET /v1/history", { query }, page);
    // A result or a timer may have the same id.
    const items = lines.items.filter((line) => line.internal !== true);
    const done = items.find(({ outcome }) => outcome === "applied" || outcome === "removed");
    if (done !== undefined) return done;
    const last = items.findLast(({ code }) => code !== "DUPLICATE") ?? items.at(-1);
    if (last !== undefined && last.outcome !== "parked") throw new EventNotAppliedError(last);
    why = explainEvent(last);
    if (last !== undefined && last.position > told) {
      told = last.position;
      options.onParked?.(last);
    }
    return undefined;
  });
}

function explainEvent(parked: HistoryEntry | undefined): string {
  if (parked === undefined) return "the yard has not decided it yet.";
  const why = [parked.code, parked.reason].filter((part) => part !== undefined).join(": ");
  return `it is parked (${why}).`;
}

/** What a wait is for, and why it is not there yet: the last part of a sentence. */
interface Awaited {
  readonly goal: string;
  explain(): string;
}

/** Polls after every change until there is an answer. Each connection starts with a poll, so no change is missed. */
async function waitUntil<Answer>(
  http: HttpClient,
  watch: WatchOptions,
  { timeoutMs = DEFAULT_TIMEOUT_MS, signal, startedAt = Date.now() }: WaitOptions & { readonly startedAt?: number },
  { goal, explain }: Awaited,
  look: (call: CallOptions) => Promise<Answer | undefined>,
): Promise<Answer> {
  const limit = AbortSignal.timeout(Math.max(1, timeoutMs - (Date.now() - startedAt)));
  const end = signal === undefined ? limit : AbortSignal.any([limit, signal]);
  for await (const _ of followHistory(http, { ...watch, signal: end })) {
    // A server that does not answer must not extend the wait.
    const answer = await look({ signal: end }).catch((error: unknown) => {
      if (end.aborted && isStackyardError(error, "INTERRUPTED")) return undefined;
      throw error;
    });
    if (answer !== undefined) return answer;
    if (end.aborted) break;
  }
  if (signal?.aborted) throw new StackyardError("INTERRUPTED", `The wait was stopped before ${goal}.`);
  throw new StackyardError("TIMED_OUT", `Gave up after ${formatTime(timeoutMs)}, before ${goal}: ${explain()}`);
}

function formatTime(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${Math.round(ms / 1_000)} s`;
}

async function findStack(http: HttpClient, stackId: string, options: CallOptions): Promise<StackDetails | undefined> {
  try {
    return await call<typeof op.getStack>(http, "GET /v1/stacks/:stackId", { params: { stackId } }, options);
  } catch (error) {
    if (isStackyardError(error, "STACK_UNKNOWN")) return undefined;
    throw error;
  }
}

function negative(message: string, details: Readonly<Record<string, unknown>>): StackyardError {
  return new StackyardError("OUTCOME_NEGATIVE", message, { details });
}

/** The goal of a wait: one of these states, the stack's removal, or whichever comes first. */
export interface WaitGoal {
  readonly states?: readonly string[];
  /** Default false. */
  readonly removal?: boolean;
}

/** The status of a goal after a poll. */
type GoalStatus =
  | { readonly kind: "reached" }
  /** The stack may still get there without help. */
  | { readonly kind: "open" }
  | { readonly kind: "failed"; readonly message: string; readonly failure: LastFailure }
  | { readonly kind: "unreachable"; readonly message: string };

/** Facts from before the poll: the event that the wait follows, or the stack as it was first seen. */
interface GoalContext {
  readonly after: HistoryEntry | undefined;
  readonly first: StackDetails | undefined;
}

/**
 * Evaluates a goal. A task that has failed for good since the event ends the wait for everything that its success could
 * have led to, even if the machine handles `FAILED` and gets there in another way; what only that failure leads to may
 * still come.
 */
export function evaluateGoal(stack: StackDetails, goal: WaitGoal, context: GoalContext): GoalStatus {
  const failure = findCounted(stack, context);
  const { states = [], removal = false } = goal;
  const isMissed = (state: string) => state !== failure?.state && failure?.missed?.states.includes(state) === true;
  if (states.includes(stack.state) && !isMissed(stack.state)) return { kind: "reached" };
  const { reachable } = stack;
  const isOpen =
    reachable === undefined || (failure !== undefined && failure.missed === undefined)
      ? failure === undefined && !isInTrouble(stack)
      : states.some((state) => reachable.states.includes(state) && !isMissed(state)) ||
        (removal && reachable.removal && failure?.missed?.removal !== true);
  if (isOpen) return { kind: "open" };
  if (failure !== undefined) return { kind: "failed", message: formatFailed(stack, goal, failure), failure };
  return { kind: "unreachable", message: formatUnreachable(stack, goal) };
}

/** Formats a goal as the phrase after "is", such as `in LIVE or removed`. */
function formatPlace({ states = [], removal = false }: WaitGoal): string {
  return [...states.map((state) => `in ${state}`), ...(removal ? ["removed"] : [])].join(" or ");
}

/**
 * Returns the failure that counts: what the work of the event lacks, whatever has succeeded since. An event that has begun no
 * work of its own continues with that of the present entry; so does a wait without an event.
 */
function findCounted(stack: StackDetails, context: GoalContext): CountedFailure | undefined {
  const deed = stack.deeds?.find(({ eventId }) => eventId === context.after?.eventId) ?? stack.deeds?.at(-1);
  // Tasks that have not worked with the values yet, or not for this event, may still do so while the work continues.
  const lack = deed?.lacks.find((each) => {
    const hasFailed = deed.verdict === "failed" || (HAS_FAILED.has(each.why) && !each.taken);
    return hasFailed && (context.after !== undefined || isNew(each, stack, context.first));
  });
  if (deed === undefined || lack === undefined) return undefined;
  const { lastFailure, state } = stack;
  if (lastFailure?.task === lack.task && lastFailure.entry === lack.entry) return lastFailure;
  const { task, entry, attempt } = lack;
  return { task, state, entry, attempt, at: deed.restedAt ?? deed.at, ...defined({ code: lack.code }) };
}

const HAS_FAILED: ReadonlySet<string> = new Set(["failed", "cancelled", "partial"]);

type CountedFailure = NonNullable<StackDetails["lastFailure"]>;
type Lack = NonNullable<StackDetails["deeds"]>[number]["lacks"][number];

/** Returns true for what is lacking in the present entry, or was not yet at the first look. */
function isNew({ task, entry, attempt }: Lack, stack: StackDetails, first: StackDetails | undefined): boolean {
  if (entry === stack.entry) return true;
  const known = first?.deeds?.flatMap(({ lacks }) => lacks) ?? [];
  return !known.some((each) => each.task === task && each.entry === entry && each.attempt === attempt);
}

function isInTrouble({ failed, stalled, tasks }: StackDetails): boolean {
  return failed === true || stalled !== undefined || tasks.some(({ status }) => status === "ERROR");
}

function formatFailed({ id, state }: StackDetails, goal: WaitGoal, failure: LastFailure): string {
  const place = state === failure.state ? `It is still in ${state}` : `It is in ${state} now`;
  return `Stack "${id}" will not be ${formatPlace(goal)}: ${formatFailure(failure)} ${place}.`;
}

function formatUnreachable({ id, state, summary, degraded, lastFailure }: StackDetails, goal: WaitGoal): string {
  // The summary of a degraded stack names its failure.
  const last = degraded === true || lastFailure?.resolvedAt !== undefined ? undefined : lastFailure;
  const cause = last === undefined ? "" : ` Last failure: ${formatFailure(last)}`;
  return `Stack "${id}" will not be ${formatPlace(goal)} by itself: it is in ${state}. ${summary}${cause}`;
}

const MOST_CHARACTERS = 500;

function formatFailure({ task, state, code, message }: LastFailure): string {
  const text = (message ?? "").replace(/\s+/g, " ").trim();
  // Some tools name the fault first, others print it last.
  const shown = cutMiddle(text, MOST_CHARACTERS, " … ");
  const why = [code, shown].filter((part) => part !== undefined && part !== "").join(": ");
  return `task "${task}" failed in ${state}${why === "" ? "" : ` (${why})`}.`;
}
