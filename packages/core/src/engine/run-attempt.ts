import { isPassing } from "../errors/stackyard-error.ts";
import { defined } from "../machine/json.ts";
import type { TaskMessage } from "../machine/task-message.ts";
import type { Clock } from "../ports/clock.ts";
import { type Executor, type Failed, failed, type Logger, type Running, type Step } from "../ports/executor.ts";
import type { Records } from "../ports/records.ts";
import type { AppliedResult, AttemptStore, ClaimResult, Grant, QueuedEvent } from "../ports/stack-store.ts";
import type { Revisions } from "../ports/store.ts";
import type { DeliveryOutcome } from "../ports/transport.ts";
import { backoff, retry } from "../retry.ts";
import type { AttemptLogs } from "./attempt-log.ts";
import {
  type AttemptLog,
  type AttemptMask,
  boundOutputs,
  createAttemptLog,
  createAttemptMask,
  type FinalStep,
  type FollowUpRun,
  findOutputMask,
  maskOutputs,
  toFollowUpRun,
  toResultEvent,
  toRunEvent,
  toSettledOutcome,
} from "./attempt-result.ts";
import { callExecutor, callWithin, INTERRUPTED, type Operation, operationOf } from "./call-executor.ts";
import { type ContextDeps, createExecutorContext } from "./executor-context.ts";
import type { InvocationEnd } from "./invocation-limits.ts";
import { type KeptProgress, parseKeptProgress } from "./kept-progress.ts";
import type { FinishedAttempt } from "./process-inputs.ts";
import { resolveSecrets, toSecretsNeedStore } from "./resolve-secrets.ts";

/** Dependencies of `runAttempt`, from the worker. */
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
  /** Returns true when the process is about to end: attempts that are granted now are released unchanged. */
  readonly isStopping: () => boolean;
  /** See `WorkerDeps`. */
  readonly finish?: ((finished: FinishedAttempt) => Promise<DeliveryOutcome>) | undefined;
  readonly logs?: AttemptLogs | undefined;
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
  /** When the invocation ends. Default: never. */
  readonly end?: InvocationEnd | undefined;
}

/**
 * Runs one step of an attempt and settles or suspends it. When the lease is lost, leaves the attempt to its new owner.
 */
export async function runAttempt(given: AttemptDeps, input: AttemptInput): Promise<void> {
  const { claimed } = input;
  const mask = createAttemptMask(claimed.secrets);
  const deps = maskDeps(given, mask);
  const { grant, deadlineAt, again } = claimed;
  const { attemptId, token } = grant;
  const kept = parseKeptProgress(claimed.progress);
  const part = { attemptId, token, deadlineAt, continued: again || kept !== undefined };
  const log = createAttemptLog(deps.logs, {
    ...part,
    earlier: kept?.log ?? "",
    isLost: () => attempt.stopReason() === "lost",
  });
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
    deps.logger.error("The result of an attempt could not be stored. The attempt continues when its lease expires.", {
      error,
    });
  } finally {
    deps.held.delete(attempt);
    await attempt.end();
  }
}

/** A step and its effect on the attempt. */
type EndedCall =
  | { readonly kind: "stepped"; readonly step: Step; readonly cancelling: boolean; readonly cancelBegun: boolean }
  /** The process or the invocation ends: the attempt is released unchanged. */
  | { readonly kind: "given-back"; readonly kept: KeptProgress | undefined };

function maskDeps(deps: AttemptDeps, mask: AttemptMask): AttemptDeps {
  return mask.isEmpty ? deps : { ...deps, logger: mask.logger(deps.logger) };
}

async function step(
  deps: AttemptDeps,
  input: AttemptInput & { readonly mask: AttemptMask },
  attempt: HeldAttempt,
  log: AttemptLog,
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
  const secrets = claimed.secrets ?? {};
  const resolved = resolveSecrets(message, secrets);
  const isMasked = resolved.missing.length > 0;
  // Started work is polled or cancelled without the missing secrets: the stack may be gone, but its keys are still
  // held.
  if (isMasked && operation === "start") {
    return { kind: "stepped", step: toSecretsNeedStore(resolved.missing), cancelling, cancelBegun: cancelling };
  }
  if (deps.isStopping()) return giveBack(kept, kept?.cancelBegun === true);
  const ctx = createExecutorContext(deps.context, {
    message: resolved.message,
    secrets: Object.values(secrets),
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
  // A succeeded or running step counts even if the executor was signaled to stop.
  const asked = result.kind === "failed" ? why : undefined;
  if (isGivenBack(asked, executor, operation)) return giveBack(kept, cancelBegun);
  const final = toEndOf(result, asked, (line) => logEnd(log, input, line));
  return { kind: "stepped", step: final, cancelling: cancelling || why === "cancel", cancelBegun };
}

/**
 * Returns true if another call continues the work: the process ends, or the invocation does and the progress is stored.
 */
function isGivenBack(asked: StopReason | undefined, { resumable }: Executor, operation: Operation): boolean {
  return asked === "stopping" || (asked === "out-of-time" && resumable && operation !== "start");
}

/** Replaces a failure at the end of the invocation by `INTERRUPTED`, and adds the executor's own failure to the log. */
function toEndOf(result: Step, asked: StopReason | undefined, report: (text: string) => void): Step {
  if (asked !== "out-of-time" || result.kind !== "failed") return result;
  if (result.code !== INTERRUPTED.code) report(`It was interrupted. ${result.code}: ${result.message}`);
  return INTERRUPTED;
}

/** Returns the executor to call, or the result if no executor must be called. */
function findExecutorOrAnswer(
  { executor, fault, message, claimed }: AttemptInput,
  kept: KeptProgress | undefined,
): { readonly executor: Executor } | { readonly executor: undefined; readonly answer: Step } {
  const cancelsNothing = claimed.cancelling !== undefined && kept === undefined;
  if (cancelsNothing && !claimed.again) return { executor: undefined, answer: neverStarted() };
  if (executor === undefined) return { executor, answer: unknownExecutor(message) };
  // Its worker crashed before it reported progress. A cancel must not start the work again.
  if (cancelsNothing && executor.cancel === undefined) return { executor: undefined, answer: neverConfirmed() };
  return fault === undefined ? { executor } : { executor: undefined, answer: fault };
}

function giveBack(kept: KeptProgress | undefined, cancelBegun: boolean): EndedCall {
  return { kind: "given-back", kept: kept && { ...kept, cancelBegun } };
}

async function finish(deps: AttemptDeps, input: AttemptInput, ended: EndedCall, log: AttemptLog): Promise<void> {
  if (ended.kind === "given-back" || ended.step.kind === "running") await log.end();
  if (ended.kind === "given-back") {
    const message = "released by a runner that stopped";
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
  const answer = await retryTransient(clock, () => {
    const now = clock.now();
    return store.suspend(claimed.grant, { progress, dueAt: now + pollAfterMs, message, now });
  });
  if (answer === "lost") logger.warn("A suspended attempt already had another owner.");
  else logger.debug("An attempt was suspended.", { pollAfterMs });
}

async function settle(
  deps: AttemptDeps,
  { executor, message, claimed, onReport }: AttemptInput,
  ended: { readonly step: FinalStep; readonly cancelling: boolean; readonly log: AttemptLog },
): Promise<void> {
  const { clock, logger } = deps;
  const { cancelling, log } = ended;
  const { step: result, run } = toFollowUpRun(executor, message, boundOutputs(message, ended.step));
  const outcome = toSettledOutcome(result, cancelling);
  if (result.kind === "failed") logEnd(log, { onReport }, toLastLines(result, outcome, log.text()));
  const text = maskOutputs(log.text(), ended.step);
  await log.end({ settled: true, mask: findOutputMask(ended.step) });
  const end = { grant: claimed.grant, outcome, ...(text === "" ? {} : { log: text }) };
  const toEvent = () => toResultEvent(message, result, { cancelling, now: clock.now() });
  const isApplied = run === undefined && (await applyAtOnce(deps, message.stack.id, { event: toEvent(), result: end }));
  const answer = isApplied
    ? "settled"
    : await retryTransient(clock, () => settleInStore(deps, { ...end, run, event: toEvent() }));
  if (answer === "lost") logger.warn("A late result was discarded.", { outcome });
  else logger.debug("An attempt was settled.", { outcome, ...(result.kind === "failed" && { code: result.code }) });
}

/** Returns true when the commit that ended the attempt has applied its result. */
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
  { grant, run, ...end }: AppliedResult & { readonly run: FollowUpRun | undefined; readonly event: QueuedEvent },
): Promise<"settled" | "lost"> {
  const now = clock.now();
  if (run !== undefined) await store.revisions.put(run.revision, now);
  const followUps = run === undefined ? [] : [{ event: toRunEvent(run, now), notBefore: now + run.inMs }];
  return store.settle(grant, { ...end, followUps, now });
}

/** Adds text about the end of an attempt to its log. */
function logEnd(log: AttemptLog, { onReport }: Pick<AttemptInput, "onReport">, text: string): void {
  for (const line of text.split("\n")) {
    log.add(line);
    onReport(line);
  }
}

/** Returns the end of the log of a failure: its code, and what of its message the log does not contain yet. */
function toLastLines({ code, message }: Failed, outcome: string, log: string): string {
  const unsaid = message.split("\n\n").filter((part) => !log.includes(part));
  // The event of a cancel contains no code or message.
  const how = outcome === "cancelled" ? "It ended after the cancel." : "It failed.";
  return unsaid.length === 0 ? `${how} ${code}` : `${how} ${code}: ${unsaid.join("\n")}`;
}

function neverStarted(): Step {
  return failed({ code: "TASK_CANCELLED", message: "The task was cancelled before it started.", retryable: false });
}

function neverConfirmed(): Step {
  const message = "The task was cancelled; its runner had died before it reported progress.";
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

/** Why a call to an executor was aborted before its time. */
type StopReason = "cancel" | "lost" | "stopping" | "out-of-time";

/** An attempt whose lease this process holds and renews. */
export interface HeldAttempt {
  /** Returns the signal of the call, which is aborted with a StopReason. It is created by the first call. */
  signal(): AbortSignal;
  /** Returns why the signal was aborted; undefined if it was not. */
  stopReason(): StopReason | undefined;
  /** Aborts the call because the process ends. */
  stop(): void;
  /** Stops the renewals as if the process had crashed. The result of the call is ignored. */
  leave(): void;
  /** Ends the renewals. */
  end(): Promise<void>;
}

/** The input of holding an attempt. */
interface HoldInput {
  readonly grant: Grant;
  readonly leaseMs: number;
  /** When it is renewed. */
  readonly heartbeat: Heartbeat;
  readonly clock: Clock;
  readonly attempts: Pick<AttemptStore, "renew">;
  readonly logger: Logger;
  /** Returns the newest line of progress. */
  readonly progressLine: () => string | undefined;
  /** A cancel was known at the claim: only the loss of the lease aborts. */
  readonly cancelling: boolean;
  /** When the call is aborted because the invocation ends, in epoch milliseconds. Default: never. */
  readonly stopAt?: number | undefined;
}

/** Renews the lease at each beat until `end`, and aborts the call when the lease is lost or a cancel is requested. */
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

/** Returns false when the lease is lost. */
async function renewOnce(input: HoldInput, abort: (reason: StopReason) => void): Promise<boolean> {
  const { grant, leaseMs, clock, attempts, logger } = input;
  try {
    const message = input.progressLine();
    const renewed = await attempts.renew(grant, {
      leaseMs,
      now: clock.now(),
      ...defined({ message }),
    });
    if (renewed.kind === "lost") abort("lost");
    else if (renewed.cancelling !== undefined && !input.cancelling) abort("cancel");
    return renewed.kind !== "lost";
  } catch (error) {
    // The next renewal may succeed. If it does not, the lease expires and another worker claims the attempt.
    logger.warn("A lease could not be renewed.", { error, attemptId: grant.attemptId });
    return true;
  }
}

/** Calls functions after one interval, which is the same for all, so that they share one timer. */
interface Heartbeat {
  /** Schedules a call. Returns the function that removes it. */
  next(call: () => void): () => void;
}

/** Creates a heartbeat. Its timer runs only while calls are scheduled. */
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
 * Retries a call with exponential backoff while it fails with a transient error, for about 8 seconds. Then throws the
 * error. The result of a long task must not be lost because the store failed once.
 */
export function retryTransient<Result>(clock: Clock, call: () => Promise<Result>): Promise<Result> {
  const pause = (failed: number) => clock.sleep(backoff(failed, { first: FIRST_WAIT_MS }));
  return retry(call, { tries: TRIES, isRetryable: isPassing, pause });
}

/** The part of a store that a worker uses. */
export interface WorkerStore extends Pick<AttemptStore, "claim" | "renew" | "suspend" | "settle"> {
  readonly records: Records;
  readonly revisions: Pick<Revisions, "put">;
}
