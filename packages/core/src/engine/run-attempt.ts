import { isPassing } from "../errors/stackyard-error.ts";
import type { TaskMessage } from "../machine/task-message.ts";
import type { Clock } from "../ports/clock.ts";
import { type Executor, type Failed, failed, type Logger, type Running, type Step } from "../ports/executor.ts";
import type { Records } from "../ports/records.ts";
import type { AppliedResult, AttemptStore, ClaimResult, Grant, QueuedEvent } from "../ports/stack-store.ts";
import type { Revisions } from "../ports/store.ts";
import type { DeliveryOutcome } from "../ports/transport.ts";
import {
  type AttemptMask,
  boundOutputs,
  createAttemptMask,
  createTaskLog,
  type FinalStep,
  maskOutputs,
  type TaskLog,
  toFollowUpRun,
  toResultEvent,
  toRunEvent,
  toSettledOutcome,
} from "./attempt-result.ts";
import {
  type ContextDeps,
  callExecutor,
  callWithin,
  createExecutorContext,
  INTERRUPTED,
  type KeptProgress,
  type Operation,
  operationOf,
  parseKeptProgress,
  resolveSecrets,
  toSecretsNeedStore,
} from "./call-executor.ts";
import type { FinishedAttempt } from "./work-inputs.ts";

/** What running an attempt needs of its worker. */
interface AttemptDeps {
  readonly store: WorkerStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly context: ContextDeps;
  readonly leaseMs: number;
  /** Beats at a third of the lease. */
  readonly heartbeat: Heartbeat;
  /** Attempts that the worker holds now, with their messages. */
  readonly held: Map<HeldAttempt, TaskMessage>;
  /** True when the process is about to end: what is granted now is given back untouched. */
  readonly isStopping: () => boolean;
  /** See `WorkerDeps`. */
  readonly finish?: ((finished: FinishedAttempt) => Promise<DeliveryOutcome>) | undefined;
}

type Granted = Extract<ClaimResult, { kind: "granted" }>;

/** A granted attempt. */
interface AttemptInput {
  /** Undefined when no executor of the message's name is registered. */
  readonly executor: Executor | undefined;
  /** Why the executor must not be called. */
  readonly fault?: Failed | undefined;
  readonly message: TaskMessage;
  readonly claimed: Granted;
  readonly onReport: (line: string) => void;
  /** How the invocation ends; undefined: it does not. */
  readonly end?: InvocationEnd | undefined;
}

/** Runs one step of an attempt and settles or suspends it. A lost lease leaves it to its new owner. */
export async function runAttempt(given: AttemptDeps, input: AttemptInput): Promise<void> {
  const { claimed } = input;
  const mask = createAttemptMask(claimed.secrets);
  const deps = maskDeps(given, mask);
  const log = createTaskLog(parseKeptProgress(claimed.progress)?.log);
  const attempt = holdAttempt({
    grant: claimed.grant,
    leaseMs: deps.leaseMs,
    heartbeat: deps.heartbeat,
    clock: deps.clock,
    attempts: deps.store,
    logger: deps.logger,
    progressLine: log.last,
    cancelling: claimed.cancelling !== undefined,
    stopAt: input.end?.stopAt,
  });
  deps.held.set(attempt, input.message);
  try {
    const ended = await step(deps, { ...input, mask }, attempt, log);
    if (ended !== undefined) await finish(deps, input, ended, log);
  } catch (error) {
    // The lease expires, and the next worker that claims the attempt continues it.
    deps.logger.error("What became of an attempt could not be kept; it is handed out again.", { error });
  } finally {
    deps.held.delete(attempt);
    await attempt.end();
  }
}

/** A step and what it means for the attempt. */
type EndedCall =
  | { readonly kind: "stepped"; readonly step: Step; readonly cancelling: boolean; readonly cancelBegun: boolean }
  /** The process ends: the attempt is given back as it was. */
  | { readonly kind: "given-back"; readonly kept: KeptProgress | undefined };

function maskDeps(deps: AttemptDeps, mask: AttemptMask): AttemptDeps {
  return mask.isEmpty ? deps : { ...deps, logger: mask.logger(deps.logger) };
}

async function step(
  deps: AttemptDeps,
  input: AttemptInput & { readonly mask: AttemptMask },
  attempt: HeldAttempt,
  log: TaskLog,
): Promise<EndedCall | undefined> {
  const { message, claimed } = input;
  const kept = parseKeptProgress(claimed.progress);
  const cancelling = claimed.cancelling !== undefined;
  const called = findExecutorOrAnswer(input, kept);
  if (called.executor === undefined) {
    return { kind: "stepped", step: called.answer, cancelling, cancelBegun: cancelling };
  }
  const { executor } = called;
  const operation = operationOf(kept, cancelling, executor);
  const resolved = resolveSecrets(message, claimed.secrets ?? {});
  const isMasked = resolved.missing.length > 0;
  // What was begun is watched and cancelled to its end with what is left: its stack may be gone, and its keys are not free.
  if (isMasked && operation === "start") {
    return { kind: "stepped", step: toSecretsNeedStore(resolved.missing), cancelling, cancelBegun: cancelling };
  }
  if (deps.isStopping()) return giveBack(kept, kept?.cancelBegun === true);
  const ctx = createExecutorContext(deps.context, {
    message: resolved.message,
    token: claimed.grant.token,
    deadlineAt: Math.min(claimed.deadlineAt, input.end?.stopAt ?? claimed.deadlineAt),
    logger: deps.logger,
    signal: attempt.signal,
    cancelling,
    report(line) {
      const shown = input.mask.text(line);
      log.add(shown);
      input.onReport(shown);
    },
  });
  const config = resolved.message.task["config"] ?? {};
  const answer = callExecutor(executor, ctx, { operation, config, isMasked, kept });
  const result = input.mask.step(await callWithin(deps.clock, input.end?.overAt, answer));
  const why = attempt.stopReason();
  if (why === "lost") return undefined;
  const cancelBegun = kept?.cancelBegun === true || operation === "cancel";
  // What has succeeded, or goes on, counts whatever it was asked.
  const asked = result.kind === "failed" ? why : undefined;
  if (isGivenBack(asked, executor, operation)) return giveBack(kept, cancelBegun);
  const final = toEndOf(result, asked, (line) => tellEnd(log, input, line));
  return { kind: "stepped", step: final, cancelling: cancelling || why === "cancel", cancelBegun };
}

/** True if the process ends, or its time does and the work keeps its progress, so that another call continues it. */
function isGivenBack(asked: StopReason | undefined, { resumable }: Executor, operation: Operation): boolean {
  return asked === "stopping" || (asked === "out-of-time" && resumable && operation !== "start");
}

/** Where the time was over the result says just that; what the executor told of the end stands in the log. */
function toEndOf(result: Step, asked: StopReason | undefined, tell: (text: string) => void): Step {
  if (asked !== "out-of-time" || result.kind !== "failed") return result;
  if (result.code !== INTERRUPTED.code) tell(`It was interrupted. ${result.code}: ${result.message}`);
  return INTERRUPTED;
}

/** The executor to call, or the answer where none is to be called. */
function findExecutorOrAnswer(
  { executor, fault, message, claimed }: AttemptInput,
  kept: KeptProgress | undefined,
): { readonly executor: Executor } | { readonly executor: undefined; readonly answer: Step } {
  const cancelsNothing = claimed.cancelling !== undefined && kept === undefined;
  if (cancelsNothing && !claimed.again) return { executor: undefined, answer: neverStarted() };
  if (executor === undefined) return { executor, answer: unknownExecutor(message) };
  // Its worker died before it reported progress. A cancel must not start the work again.
  if (cancelsNothing && executor.cancel === undefined) return { executor: undefined, answer: neverConfirmed() };
  return fault === undefined ? { executor } : { executor: undefined, answer: fault };
}

function giveBack(kept: KeptProgress | undefined, cancelBegun: boolean): EndedCall {
  return { kind: "given-back", kept: kept && { ...kept, cancelBegun } };
}

async function finish(deps: AttemptDeps, input: AttemptInput, ended: EndedCall, log: TaskLog): Promise<void> {
  if (ended.kind === "given-back") {
    const message = "given back by a runner that stopped";
    await suspend(deps, input, { progress: ended.kept, pollAfterMs: 0, message });
  } else if (ended.step.kind === "running") {
    const { progress, pollAfterMs, message } = ended.step;
    const text = log.text();
    const kept: KeptProgress = { progress, cancelBegun: ended.cancelBegun, ...(text === "" ? {} : { log: text }) };
    await suspend(deps, input, { progress: kept, pollAfterMs, message });
  } else await settle(deps, input, { step: ended.step, cancelling: ended.cancelling, log });
}

async function suspend(
  { store, clock, logger }: AttemptDeps,
  { claimed }: AttemptInput,
  { progress, pollAfterMs, message }: Omit<Running<KeptProgress | undefined>, "kind">,
): Promise<void> {
  const answer = await insist(clock, () => {
    const now = clock.now();
    return store.suspend(claimed.grant, { progress, dueAt: now + pollAfterMs, message, now });
  });
  if (answer === "lost") logger.warn("A suspended attempt had another owner already.");
  else logger.debug("An attempt was suspended.", { pollAfterMs });
}

async function settle(
  deps: AttemptDeps,
  { executor, message, claimed, onReport }: AttemptInput,
  ended: { readonly step: FinalStep; readonly cancelling: boolean; readonly log: TaskLog },
): Promise<void> {
  const { clock, logger } = deps;
  const { cancelling, log } = ended;
  const { step: result, run } = toFollowUpRun(executor, message, boundOutputs(message, ended.step));
  const outcome = toSettledOutcome(result, cancelling);
  // The event of a cancel says no more than that it ended.
  if (result.kind === "failed" && outcome === "cancelled") {
    tellEnd(log, { onReport }, `It ended after the cancel. ${result.code}: ${result.message}`);
  }
  const text = ended.step.kind === "succeeded" ? maskOutputs(log.text(), ended.step) : log.text();
  const end = { grant: claimed.grant, outcome, ...(text === "" ? {} : { log: text }) };
  const toEvent = () => toResultEvent(message, result, { cancelling, now: clock.now() });
  const isApplied = run === undefined && (await applyAtOnce(deps, message.stack.id, { event: toEvent(), result: end }));
  const answer = isApplied
    ? "settled"
    : await insist(clock, () => settleInStore(deps, { ...end, run, event: toEvent() }));
  if (answer === "lost") logger.warn("A result came too late and was dropped.", { outcome });
  else logger.debug("An attempt was settled.", { outcome, ...(result.kind === "failed" && { code: result.code }) });
}

/** True when the commit that ended the attempt has applied its result. */
async function applyAtOnce(
  { finish, logger }: AttemptDeps,
  stackId: string,
  finished: Omit<FinishedAttempt, "stackId">,
): Promise<boolean> {
  if (finish === undefined) return false;
  const outcome = await finish({ stackId, ...finished });
  if (outcome.kind === "retry") logger.debug("A result is queued.", { reason: outcome.reason });
  return outcome.kind === "done";
}

async function settleInStore(
  { store, clock }: AttemptDeps,
  { grant, run, ...end }: AppliedResult & { readonly run: FollowUp | undefined; readonly event: QueuedEvent },
): Promise<"settled" | "lost"> {
  if (run !== undefined) await store.revisions.put(run.revision);
  const now = clock.now();
  const followUps = run === undefined ? [] : [{ event: toRunEvent(run, now), notBefore: now + run.inMs }];
  return store.settle(grant, { ...end, followUps, now });
}

type FollowUp = NonNullable<ReturnType<typeof toFollowUpRun>["run"]>;

/** What the executor tells of an end that the result does not tell. */
function tellEnd(log: TaskLog, { onReport }: Pick<AttemptInput, "onReport">, text: string): void {
  for (const line of text.split("\n")) {
    log.add(line);
    onReport(line);
  }
}

function neverStarted(): Step {
  return failed({ code: "TASK_CANCELLED", message: "The task was cancelled before it started.", retryable: false });
}

function neverConfirmed(): Step {
  const message = "The task was cancelled; its runner had died before it told how far it was.";
  return failed({ code: "TASK_CANCELLED", message, retryable: false });
}

function unknownExecutor(message: TaskMessage): Step {
  const name = message.task["executor"];
  const what =
    name === undefined
      ? "The task names no executor"
      : `The executor ${JSON.stringify(name)} is not recognised by this runner`;
  return failed({
    code: "EXECUTOR_UNKNOWN",
    message: `${what}. Register its plugin in stackyard.config.ts.`,
    retryable: false,
  });
}

/** Why a call to an executor was asked to end before its time. */
type StopReason = "cancel" | "lost" | "stopping" | "out-of-time";

/** An attempt whose lease this process holds and renews. */
export interface HeldAttempt {
  /** Aborted with a StopReason. It is made when it is first asked for. */
  signal(): AbortSignal;
  /** Why it was aborted; undefined while it was not. */
  stopReason(): StopReason | undefined;
  /** Asks the executor to end because the process ends. */
  stop(): void;
  /** Leaves the attempt to its lease as if the process had died: the call's end counts for nothing any more. */
  leave(): void;
  /** Ends the renewals. */
  end(): Promise<void>;
}

/** What holding an attempt needs. */
interface HoldInput {
  readonly grant: Grant;
  readonly leaseMs: number;
  /** When it is renewed. */
  readonly heartbeat: Heartbeat;
  readonly clock: Clock;
  readonly attempts: Pick<AttemptStore, "renew">;
  readonly logger: Logger;
  /** The newest line of progress. */
  readonly progressLine: () => string | undefined;
  /** A cancel was known at the claim: only the loss of the lease aborts. */
  readonly cancelling: boolean;
  /** When the executor is asked to end because the invocation ends; epoch milliseconds. Default: never. */
  readonly stopAt?: number | undefined;
}

/** Renews the lease at each beat until it is ended, lost, or a cancel is asked for. */
export function holdAttempt(input: HoldInput): HeldAttempt {
  let controller: AbortController | undefined;
  let stopping: AbortController | undefined;
  let reason: StopReason | undefined;
  let left = false;
  let ended = false;
  let working: Promise<unknown> | undefined;
  const abort = (why: StopReason) => {
    if (reason !== undefined) return;
    reason = why;
    controller?.abort(why);
  };
  const renew = async () => {
    if ((await renewOnce(input, abort)) && !ended) endBeat = input.heartbeat.next(beat);
  };
  const beat = () => {
    working = renew();
  };
  let endBeat = input.heartbeat.next(beat);
  const endRenewals = () => {
    ended = true;
    endBeat();
    // Without a reason each attempt would create an error with a stack trace that is never read.
    stopping?.abort("ended");
  };
  let watching: Promise<void> | undefined;
  if (input.stopAt !== undefined) {
    stopping = new AbortController();
    watching = stopInTime(input.clock, input.stopAt, stopping.signal, abort);
  }
  return {
    signal() {
      controller ??= new AbortController();
      if (reason !== undefined) controller.abort(reason);
      return controller.signal;
    },
    stopReason: () => (left ? "lost" : reason),
    stop: () => abort("stopping"),
    leave() {
      left = true;
      abort("lost");
      endRenewals();
    },
    async end() {
      endRenewals();
      if (working !== undefined || watching !== undefined) await Promise.all([working, watching]);
    },
  };
}

async function stopInTime(
  clock: Clock,
  stopAt: number,
  ended: AbortSignal,
  abort: (reason: StopReason) => void,
): Promise<void> {
  await clock.sleep(stopAt - clock.now(), ended);
  if (!ended.aborted) abort("out-of-time");
}

/** False when there is nothing left to renew. */
async function renewOnce(input: HoldInput, abort: (reason: StopReason) => void): Promise<boolean> {
  const { grant, leaseMs, clock, attempts, logger } = input;
  try {
    const message = input.progressLine();
    const renewed = await attempts.renew(grant, {
      leaseMs,
      now: clock.now(),
      ...(message === undefined ? {} : { message }),
    });
    if (renewed.kind === "lost") abort("lost");
    else if (renewed.cancelling !== undefined && !input.cancelling) abort("cancel");
    return renewed.kind !== "lost";
  } catch (error) {
    // The next renewal may succeed; when none does, the lease lapses and the attempt is handed out again.
    logger.warn("A lease could not be renewed.", { error, attemptId: grant.attemptId });
    return true;
  }
}

/** Calls back after one interval, the same for all, so that they share one sleep. */
export interface Heartbeat {
  /** Returns what forgets the call. */
  next(call: () => void): () => void;
}

/** Creates a heartbeat. It sleeps only while there is something to call. */
export function createHeartbeat(clock: Clock, intervalMs: number): Heartbeat {
  // In the order in which they are due.
  const calls = new Map<() => void, number>();
  let sleeping: AbortController | undefined;
  let isBeating = false;

  async function beat(): Promise<void> {
    isBeating = true;
    for (let [dueAt] = calls.values(); dueAt !== undefined; [dueAt] = calls.values()) {
      sleeping = new AbortController();
      await clock.sleep(Math.min(intervalMs, dueAt - clock.now()), sleeping.signal);
      const now = clock.now();
      for (const [call, at] of calls) {
        // One further away than an interval: the clock was set back.
        if (at > now && at <= now + intervalMs) break;
        calls.delete(call);
        call();
      }
    }
    isBeating = false;
  }

  return {
    next(call) {
      calls.set(call, clock.now() + intervalMs);
      if (!isBeating) void beat();
      return () => {
        if (calls.delete(call) && calls.size === 0) sleeping?.abort("ended");
      };
    },
  };
}

const TRIES = 6;
const FIRST_WAIT_MS = 250;

/**
 * Calls again, later and later, while a call fails for a reason that passes: the outcome of an hour of work is not to
 * be lost because a store did not answer once. About 8 seconds in all; then the error flies.
 */
export async function insist<Result>(clock: Clock, call: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (tries >= TRIES || !isPassing(error)) throw error;
      await clock.sleep(FIRST_WAIT_MS * 2 ** (tries - 1));
    }
  }
}

/** The time that one delivery has. */
export interface InvocationLimits {
  /** When the process is taken away, epoch milliseconds: in Lambda the end of the invocation. Default: never. */
  readonly endsAt?: number;
}

/** The last parts of an invocation. */
export interface InvocationEnd {
  /** From here on the work is asked to end. */
  readonly stopAt: number;
  /** From here on it is waited for no more: what is left is for the answer. */
  readonly overAt: number;
}

/** Before the end of an invocation: time for an executor to stop in an orderly way, at most a quarter of all. */
const STOP_BEFORE_END_MS = 60_000;
/** The part of that time that is left for the answer. */
const ANSWER_PART = 1 / 12;

/** How an invocation ends that has just begun; undefined for one that has no end. */
export function toInvocationEnd({ endsAt }: InvocationLimits, now: number): InvocationEnd | undefined {
  if (endsAt === undefined || endsAt === Number.POSITIVE_INFINITY) return undefined;
  const spareMs = Math.max(0, Math.min(STOP_BEFORE_END_MS, (endsAt - now) / 4));
  return { stopAt: endsAt - spareMs, overAt: endsAt - spareMs * ANSWER_PART };
}

/** The part of a store that a worker uses. */
export interface WorkerStore extends Pick<AttemptStore, "claim" | "renew" | "suspend" | "settle"> {
  readonly records: Records;
  readonly revisions: Pick<Revisions, "put">;
}
