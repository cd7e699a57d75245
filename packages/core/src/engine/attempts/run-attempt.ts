import { defined } from "../../machine/json.ts";
import type { TaskMessage } from "../../machine/task-message.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Executor, type Failed, failed, type Logger, type Running, type Step } from "../../ports/executor.ts";
import type { Records } from "../../ports/records.ts";
import type { AppliedResult, AttemptStore, ClaimResult, QueuedEvent } from "../../ports/stack-store.ts";
import type { Revisions } from "../../ports/store.ts";
import type { DeliveryOutcome } from "../../ports/transport.ts";
import type { FinishedAttempt } from "../births.ts";
import type { InvocationEnd } from "../workers/invocation-limits.ts";
import type { AttemptLogs } from "./attempt-log.ts";
import {
  type AttemptLog,
  type AttemptMask,
  boundOutputs,
  createAttemptLog,
  createAttemptMask,
  type FinalStep,
  type FollowUpJob,
  findOutputMask,
  maskOutputs,
  toFollowUpJob,
  toJobEvent,
  toResultEvent,
  toSettledOutcome,
} from "./attempt-result.ts";
import { callExecutor, callWithin, INTERRUPTED, type Operation, operationOf } from "./call-executor.ts";
import { type ContextDeps, createExecutorContext } from "./executor-context.ts";
import { type Heartbeat, type HeldAttempt, holdAttempt, type StopReason } from "./held-attempt.ts";
import { type KeptProgress, parseKeptProgress } from "./kept-progress.ts";
import { toLastLines } from "./last-lines.ts";
import { resolveSecrets, toSecretsNeedStore } from "./resolve-secrets.ts";
import { retryTransient } from "./retry-transient.ts";

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
  /** Undefined for a task that names none. */
  readonly executor: Executor | undefined;
  /** Why the work must not be started. */
  readonly fault?: Failed | undefined;
  readonly message: TaskMessage;
  readonly claimed: Granted;
  /** When it was claimed, in epoch milliseconds. */
  readonly claimedAt: number;
  readonly onReport: (line: string) => void;
  /** When the invocation ends. Default: never. */
  readonly end?: InvocationEnd | undefined;
}

/** The end of one step of an attempt. `until`: when its next poll is due. `lost`: another owner continues it, or will. */
export type StepEnd =
  | { readonly kind: "settled" }
  | { readonly kind: "suspended"; readonly until: number }
  | { readonly kind: "lost" };

const SETTLED: StepEnd = { kind: "settled" };
const LOST: StepEnd = { kind: "lost" };

/**
 * Runs one step of an attempt and settles or suspends it. When the lease is lost, leaves the attempt to its new owner.
 */
export async function runAttempt(given: AttemptDeps, input: AttemptInput): Promise<StepEnd> {
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
    claimedAt: input.claimedAt,
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
    // The process may have been paused since the claim.
    const isHeld = (await attempt.confirm()) === "held";
    const ended = isHeld ? await step(deps, { ...input, mask }, attempt, log) : undefined;
    return ended === undefined ? LOST : await finish(deps, input, ended, log);
  } catch (error) {
    // The lease expires, and the next worker that claims the attempt continues it.
    deps.logger.error("The result of an attempt could not be stored. The attempt continues when its lease expires.", {
      error,
    });
    return LOST;
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
  const refused = operation === "start" ? findRefusedStart(input, resolved.missing) : undefined;
  if (refused !== undefined) return { kind: "stepped", step: refused, cancelling, cancelBegun: cancelling };
  if (deps.isStopping()) return giveBack(kept, kept?.cancelBegun === true);
  const ctx = createExecutorContext(deps.context, {
    message: resolved.message,
    secrets: Object.values(secrets),
    token: claimed.grant.token,
    deadlineAt: Math.min(claimed.deadlineAt, input.end?.stopAt ?? claimed.deadlineAt),
    logger: deps.logger,
    signal: attempt.signal,
    confirm: attempt.confirm,
    cancelling,
    report(line) {
      const shown = input.mask.text(line);
      log.add(shown);
      input.onReport(shown);
    },
  });
  const config = resolved.message.task["config"] ?? {};
  const answer = callExecutor(executor, ctx, { operation, config, kept });
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
 * Returns why work must not be started. Work that was started is polled or cancelled without the missing secrets, because
 * the stack may be gone, but its keys are still held; and also when its key cannot be named again.
 */
function findRefusedStart({ fault }: AttemptInput, missing: readonly string[]): Failed | undefined {
  if (fault !== undefined) return fault;
  return missing.length > 0 ? toSecretsNeedStore(missing) : undefined;
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
  { executor, claimed }: AttemptInput,
  kept: KeptProgress | undefined,
): { readonly executor: Executor } | { readonly executor: undefined; readonly answer: Step } {
  const cancelsNothing = claimed.cancelling !== undefined && kept === undefined;
  if (cancelsNothing && !claimed.again) return { executor: undefined, answer: neverStarted() };
  if (executor === undefined) return { executor, answer: noExecutor() };
  if (claimed.workersLost === true) return { executor: undefined, answer: workersLost() };
  // Its worker crashed before it reported progress. A cancel must not start the work again.
  if (cancelsNothing && executor.cancel === undefined) return { executor: undefined, answer: neverConfirmed() };
  return { executor };
}

function giveBack(kept: KeptProgress | undefined, cancelBegun: boolean): EndedCall {
  return { kind: "given-back", kept: kept && { ...kept, cancelBegun } };
}

async function finish(deps: AttemptDeps, input: AttemptInput, ended: EndedCall, log: AttemptLog): Promise<StepEnd> {
  if (ended.kind === "given-back" || ended.step.kind === "running") await log.end();
  if (ended.kind === "given-back") {
    const message = "released by a runner that stopped";
    return suspend(deps, input, { progress: ended.kept, pollAfterMs: 0, message });
  }
  if (ended.step.kind === "running") {
    const { progress, ...step } = ended.step;
    const text = log.text();
    const kept: KeptProgress = { progress, cancelBegun: ended.cancelBegun, ...(text === "" ? {} : { log: text }) };
    return suspend(deps, input, { ...step, progress: kept });
  }
  return settle(deps, input, { step: ended.step, cancelling: ended.cancelling, log });
}

async function suspend(
  { store, clock, logger }: AttemptDeps,
  { claimed }: AttemptInput,
  { progress, pollAfterMs, message, opensAt, heldBy }: Omit<Running<KeptProgress | undefined>, "kind">,
): Promise<StepEnd> {
  const { answer, until } = await retryTransient(clock, async () => {
    const now = clock.now();
    const dueAt = now + pollAfterMs;
    const suspension = { progress, dueAt, message, now, ...defined({ opensAt, heldBy }) };
    return { answer: await store.suspend(claimed.grant, suspension), until: dueAt };
  });
  if (answer === "lost") {
    logger.warn("A suspended attempt already had another owner.");
    return LOST;
  }
  logger.debug("An attempt was suspended.", { pollAfterMs });
  return { kind: "suspended", until };
}

async function settle(
  deps: AttemptDeps,
  { executor, message, claimed, onReport }: AttemptInput,
  ended: { readonly step: FinalStep; readonly cancelling: boolean; readonly log: AttemptLog },
): Promise<StepEnd> {
  const { clock, logger } = deps;
  const { cancelling, log } = ended;
  const { step: result, followUp } = toFollowUpJob(executor, message, boundOutputs(message, ended.step));
  const outcome = toSettledOutcome(result, cancelling);
  if (result.kind === "failed") logEnd(log, { onReport }, toLastLines(result, outcome, log.text()));
  const text = maskOutputs(log.text(), ended.step);
  await log.end({ settled: true, mask: findOutputMask(ended.step) });
  const end = { grant: claimed.grant, outcome, ...(text === "" ? {} : { log: text }) };
  const toEvent = () => toResultEvent(message, result, { cancelling, now: clock.now() });
  const isApplied =
    followUp === undefined && (await applyAtOnce(deps, message.stack.id, { event: toEvent(), result: end }));
  const answer = isApplied
    ? "settled"
    : await retryTransient(clock, () => settleInStore(deps, { ...end, followUp, event: toEvent() }));
  if (answer === "lost") {
    logger.warn("A late result was discarded.", { outcome });
    return LOST;
  }
  logger.debug("An attempt was settled.", { outcome, ...(result.kind === "failed" && { code: result.code }) });
  return SETTLED;
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
  {
    grant,
    followUp,
    ...end
  }: AppliedResult & { readonly followUp: FollowUpJob | undefined; readonly event: QueuedEvent },
): Promise<"settled" | "lost"> {
  const now = clock.now();
  if (followUp !== undefined) await store.revisions.put(followUp.revision, now);
  const followUps =
    followUp === undefined ? [] : [{ event: toJobEvent(followUp, now), notBefore: now + followUp.inMs }];
  return store.settle(grant, { ...end, followUps, now });
}

/** Adds text about the end of an attempt to its log. */
function logEnd(log: AttemptLog, { onReport }: Pick<AttemptInput, "onReport">, text: string): void {
  for (const line of text.split("\n")) {
    log.add(line);
    onReport(line);
  }
}

function neverStarted(): Step {
  return failed({ code: "TASK_CANCELLED", message: "The task was cancelled before it started.", retryable: false });
}

function neverConfirmed(): Step {
  const message = "The task was cancelled; its runner had died before it reported progress.";
  return failed({ code: "TASK_CANCELLED", message, retryable: false });
}

function workersLost(): Step {
  const message =
    "Three workers in a row ended or lost the store while they ran this task, before it reported progress. Look for the cause in their logs and in their memory, then retry the task.";
  return failed({ code: "WORKER_LOST", message, retryable: false });
}

function noExecutor(): Step {
  const message = "The task names no executor. Name one in the machine.";
  return failed({ code: "EXECUTOR_UNKNOWN", message, retryable: false });
}

/** The part of a store that a worker uses. */
export interface WorkerStore extends Pick<AttemptStore, "claim" | "renew" | "suspend" | "settle"> {
  readonly records: Records;
  readonly revisions: Pick<Revisions, "put">;
}
