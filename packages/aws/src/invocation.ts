import { AsyncLocalStorage } from "node:async_hooks";
import { type Clock, StackyardError, within } from "@stackyard/core";

/** The time of the work that makes a call. */
export interface CallTime {
  /** Epoch milliseconds: no call waits longer. Default: no end. */
  readonly deadlineAt?: number;
  /** Epoch milliseconds: the same for work that plans its own end, which does not see it. Default: the deadline. */
  readonly callsUntil?: number;
  /** The longest that one call may take, with the SDK's retries. Default: until the deadline. */
  readonly callMs?: number;
  /** Epoch milliseconds: a denied call is not repeated later. Default: the deadline. */
  readonly denialsUntil?: number;
}

/** A call that waits for its answer; `inner`: the call that it waits for, such as AssumeRole. */
interface OpenCall {
  readonly name: string;
  readonly since: number;
  inner: OpenCall | undefined;
  /** When it was sent, or an inner call was last heard of. */
  heardAt: number;
}

interface Running extends CallTime {
  /** The calls without an answer. */
  readonly open: Set<OpenCall>;
  /** Names of calls that were not answered when they were made last. */
  readonly silent: Set<string>;
  readonly outer?: OpenCall;
  /** True when a denial in this work changes nothing that has to wait for it. */
  readonly isOptional?: boolean;
  readonly life: { isOver: boolean };
}

const running = new AsyncLocalStorage<Running>();

/** The invocation of the current work. A loop that outlives its work has no time limit. */
function findRunning(): Running | undefined {
  const time = running.getStore();
  return time?.life.isOver === true ? undefined : time;
}

/** Work, and the answers that it waits for. */
export interface TimedWork<Result> {
  readonly result: Promise<Result>;
  /** Returns the calls without an answer, such as `EventBridge.PutEvents`, longest first. */
  unanswered(): readonly string[];
}

/** Runs work whose calls of AWS know the time that they have. */
export function runTimed<Result>(time: CallTime, work: () => Promise<Result>): TimedWork<Result> {
  const open = new Set<OpenCall>();
  const silent = new Set<string>();
  const life = { isOver: false };
  const result = running.run({ ...time, open, silent, life }, work).finally(() => {
    life.isOver = true;
  });
  // Between two tries no call is open.
  const unanswered = () => (open.size > 0 ? [...open].map((call) => innermost(call).name) : [...silent]);
  return { result, unanswered };
}

/**
 * Runs work that may lack a right: a denied call is not repeated, because its caller continues without
 * the answer.
 */
export function runOptional<Result>(work: () => Promise<Result>): Promise<Result> {
  const outer = findRunning() ?? { open: new Set<OpenCall>(), silent: new Set<string>(), life: { isOver: false } };
  return running.run({ ...outer, isOptional: true }, work);
}

/** Returns true within `runOptional`. */
export function isOptionalWork(): boolean {
  return running.getStore()?.isOptional === true;
}

/** Returns the calls of the current work that have no answer yet, such as `S3.PutObject`. */
export function listUnanswered(): readonly string[] {
  return [...(findRunning()?.open ?? [])].map((call) => innermost(call).name);
}

/** Returns the instant at which the current work ends; undefined if it has no end. */
export function findDeadline(): number | undefined {
  return findRunning()?.deadlineAt;
}

/** Returns the instant until which the current work repeats denied calls; undefined if it has no end. */
export function findDenialsEnd(): number | undefined {
  const { denialsUntil, deadlineAt } = findRunning() ?? {};
  return denialsUntil ?? deadlineAt;
}

/**
 * Waits for one call as long as the current work allows. Throws `UNREACHABLE` with the name of the call afterwards, or
 * of the calls that have taken its time; the call itself continues.
 */
export async function waitForCall<Answer>(
  clock: Pick<Clock, "now" | "sleep">,
  name: string,
  send: () => Promise<Answer>,
): Promise<Answer> {
  const time = findRunning();
  if (time === undefined) return send();
  const call: OpenCall = { name, since: clock.now(), inner: undefined, heardAt: clock.now() };
  const { outer, open } = time;
  if (outer === undefined) open.add(call);
  else Object.assign(outer, { inner: call, heardAt: clock.now() });
  try {
    return await waitWithin(clock, time, call, running.run({ ...time, outer: call }, send));
  } finally {
    open.delete(call);
    if (outer?.inner === call) Object.assign(outer, { inner: undefined, heardAt: clock.now() });
  }
}

const LATE = Symbol("late");

/** Waits again while inner calls are heard of: a session may take several tries. */
async function waitWithin<Answer>(
  clock: Pick<Clock, "now" | "sleep">,
  time: Running,
  call: OpenCall,
  answer: Promise<Answer>,
): Promise<Answer> {
  const isTooLate = toEnd(time, call) <= clock.now();
  for (;;) {
    const endsAt = toEnd(time, call);
    if (endsAt === Number.POSITIVE_INFINITY) return answer;
    const ms = Math.max(0, endsAt - clock.now());
    const found = await within(answer, { clock, ms, late: () => LATE });
    if (found !== LATE) {
      time.silent.delete(call.name);
      return found as Answer;
    }
    if (toEnd(time, call) > clock.now()) continue;
    if (isTooLate) throw toTooLate(call, time.silent);
    time.silent.add(innermost(call).name);
    throw toSilent(call, clock.now());
  }
}

function toEnd(time: CallTime, call: OpenCall): number {
  const { deadlineAt = Number.POSITIVE_INFINITY, callsUntil = deadlineAt, callMs = Number.POSITIVE_INFINITY } = time;
  return Math.min(deadlineAt, callsUntil, call.heardAt + callMs);
}

function innermost(call: OpenCall): OpenCall {
  return call.inner === undefined ? call : innermost(call.inner);
}

/** A call that began after the end says what has taken the time. */
function toTooLate({ name }: OpenCall, silent: ReadonlySet<string>): StackyardError {
  const why = silent.size === 0 ? "." : `: ${[...silent].join(", ")} did not answer.`;
  return new StackyardError("UNREACHABLE", `${name} had no time left${why}`);
}

function toSilent(call: OpenCall, now: number): StackyardError {
  const { name, since } = innermost(call);
  const seconds = Math.round((now - since) / 1_000);
  return new StackyardError("UNREACHABLE", `${name} did not answer within ${seconds} seconds.`);
}
