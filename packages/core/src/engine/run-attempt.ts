import type { TaskMessage } from "../machine/task-message.ts";
import type { ClaimResult } from "../ports/attempt-store.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { Executor, Running, Step } from "../ports/executor.ts";
import type { Logger } from "../ports/logger.ts";
import { failed } from "../ports/steps.ts";
import type { Store } from "../ports/store.ts";
import { callExecutor, operationOf } from "./call-executor.ts";
import { type ContextDeps, createExecutorContext } from "./executor-context.ts";
import { toFollowUps } from "./follow-up.ts";
import { type HeldAttempt, holdAttempt } from "./held-attempt.ts";
import { type KeptProgress, parseKeptProgress } from "./kept-progress.ts";
import { type FinalStep, toResultEvent, toSettledOutcome } from "./result-event.ts";
import { createTaskLog, type TaskLog } from "./task-log.ts";

/** What running an attempt needs of its worker. */
export interface AttemptDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly context: ContextDeps;
  readonly leaseMs: number;
  /** Attempts that the worker holds now. */
  readonly held: Set<HeldAttempt>;
}

type Granted = Extract<ClaimResult, { kind: "granted" }>;

/** A granted attempt. */
export interface AttemptInput {
  /** Undefined when no executor of the message's name is registered. */
  readonly executor: Executor | undefined;
  readonly message: TaskMessage;
  readonly claimed: Granted;
  readonly onReport: (line: string) => void;
}

/** Runs one step of an attempt and settles or suspends it. A lost lease leaves it to its new owner. */
export async function runAttempt(deps: AttemptDeps, input: AttemptInput): Promise<void> {
  const { claimed } = input;
  const log = createTaskLog();
  const attempt = holdAttempt({
    grant: claimed.grant,
    leaseMs: deps.leaseMs,
    clock: deps.clock,
    attempts: deps.store,
    logger: deps.logger,
    progressLine: log.last,
    cancelling: claimed.cancelling !== undefined,
  });
  deps.held.add(attempt);
  try {
    const ended = await step(deps, input, attempt, log);
    if (ended !== undefined) await finish(deps, input, { ...ended, log });
  } finally {
    deps.held.delete(attempt);
    await attempt.end();
  }
}

/** A step and what it means for the attempt. */
interface EndedCall {
  readonly step: Step;
  readonly cancelling: boolean;
  readonly cancelBegun: boolean;
  /** The process ends: the attempt is given back as it was. */
  readonly giveBack?: KeptProgress;
}

async function step(
  deps: AttemptDeps,
  input: AttemptInput,
  attempt: HeldAttempt,
  log: TaskLog,
): Promise<EndedCall | undefined> {
  const { executor, message, claimed } = input;
  const kept = parseKeptProgress(claimed.progress);
  const cancelling = claimed.cancelling !== undefined;
  if (cancelling && kept === undefined && !claimed.again)
    return { step: neverStarted(), cancelling, cancelBegun: true };
  if (executor === undefined) return { step: unknownExecutor(message), cancelling, cancelBegun: false };
  const operation = operationOf(kept, cancelling, executor);
  const ctx = createExecutorContext(deps.context, {
    message,
    token: claimed.grant.token,
    deadlineAt: claimed.deadlineAt,
    signal: attempt.signal,
    cancelling,
    report(line) {
      log.add(line);
      input.onReport(line);
    },
  });
  const result = await callExecutor(executor, operation, ctx, message.task["config"] ?? {}, kept);
  const why = attempt.stopReason();
  if (why === "lost") return undefined;
  const cancelBegun = kept?.cancelBegun === true || operation === "cancel";
  if (why === "stopping" && result.kind === "failed") {
    return { step: result, cancelling, cancelBegun, giveBack: { progress: kept?.progress, cancelBegun } };
  }
  return { step: result, cancelling: cancelling || why === "cancel", cancelBegun };
}

async function finish(
  deps: AttemptDeps,
  input: AttemptInput,
  ended: EndedCall & { readonly log: TaskLog },
): Promise<void> {
  const { claimed } = input;
  const { step: result } = ended;
  const now = deps.clock.now();
  if (ended.giveBack !== undefined) {
    const progress = ended.giveBack.progress === undefined ? undefined : ended.giveBack;
    await deps.store.suspend(claimed.grant, {
      progress,
      dueAt: now,
      message: "given back by a runner that stopped",
      now,
    });
  } else if (result.kind === "running") await suspend(deps, input, ended, result, now);
  else await settle(deps, input, { step: result, cancelling: ended.cancelling, log: ended.log }, now);
}

async function suspend(
  deps: AttemptDeps,
  input: AttemptInput,
  ended: EndedCall,
  result: Running,
  now: number,
): Promise<void> {
  const { grant } = input.claimed;
  const answer = await deps.store.suspend(grant, {
    progress: { progress: result.progress, cancelBegun: ended.cancelBegun } satisfies KeptProgress,
    dueAt: now + Math.max(0, result.pollAfterMs),
    message: result.message,
    now,
  });
  if (answer === "lost")
    deps.logger.warn("A suspended attempt had another owner already.", { attemptId: grant.attemptId });
}

async function settle(
  deps: AttemptDeps,
  { executor, message, claimed }: AttemptInput,
  ended: { readonly step: FinalStep; readonly cancelling: boolean; readonly log: TaskLog },
  now: number,
): Promise<void> {
  const { step: result, cancelling, log } = ended;
  const text = log.text();
  const answer = await deps.store.settle(claimed.grant, {
    outcome: toSettledOutcome(result, cancelling),
    event: toResultEvent(message, result, { cancelling, now }),
    ...(text === "" ? {} : { log: text }),
    followUps: await toFollowUps(deps.store.revisions, { executor, message, step: result, now }),
    now,
  });
  if (answer === "lost")
    deps.logger.warn("A result came too late and was dropped.", { attemptId: claimed.grant.attemptId });
}

function neverStarted(): Step {
  return failed({ code: "TASK_CANCELLED", message: "The task was cancelled before it started.", retryable: false });
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
