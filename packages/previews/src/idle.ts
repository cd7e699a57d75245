import { toAwsError } from "@stackyard/aws";
import {
  continueLater,
  defineExecutor,
  type Executor,
  type ExecutorContext,
  failed,
  isStackyardError,
  type Running,
  running,
  type Step,
  succeeded,
} from "@stackyard/core";
import { formatDuration } from "@stackyard/core/machine";
import { type IdleConfig, type IdleProgress, idleDefinition, toQuietMs } from "./definition.ts";
import { findLastRequest, type RequestSource } from "./find-last-request.ts";
import { ask, idleQuestions } from "./idle-questions.ts";
import { isOutage } from "./is-outage.ts";

/** CloudWatch shows requests some minutes later. */
const METRICS_LAG_MS = 300_000;
/** After a call that failed for a reason that passes. */
const AGAIN_MS = 300_000;
/** A server looks for questions once a minute. */
const ANSWER_MS = 60_000;
/** An older answer does not cover the time since. */
const FRESH_MS = 300_000;
const MINUTE_MS = 60_000;

type IdleStep = Step<IdleProgress, Record<string, never>>;

interface LookInput {
  readonly ctx: ExecutorContext;
  readonly config: IdleConfig;
  readonly quietMs: number;
  /** As in the progress. */
  readonly lastAt: number;
}

/**
 * Creates the executor `idle`: succeeds when a preview was not used for a while. It polls once that time has passed
 * since the last known use, so it makes about one call in that time. Fails with IDLE_DENIED, IDLE_NOT_CONFIGURED,
 * IDLE_NEEDS_STORE, IDLE_CANCELLED, CONFIG_INVALID.
 */
export function createIdleExecutor(): Executor {
  const look = async (ctx: ExecutorContext, config: IdleConfig, lastAt: number): Promise<IdleStep> => {
    const quietMs = toQuietMs(config);
    if (quietMs === undefined)
      return failed({ code: "CONFIG_INVALID", message: "`for` is at most 14d.", retryable: false });
    const input = { ctx, config, quietMs, lastAt };
    return config.source === "events" ? lookForEvents(input) : lookForRequests({ ...input, config });
  };
  return defineExecutor({
    ...idleDefinition,
    start: (ctx, config) => look(ctx, config, ctx.clock.now()),
    poll: (ctx, config, { lastAt }) => look(ctx, config, lastAt),
    // Stored questions expire.
    cancel: async () => failed({ code: "IDLE_CANCELLED", message: "The wait was cancelled.", retryable: false }),
  });
}

async function lookForRequests(input: LookInput & { readonly config: RequestSource }): Promise<IdleStep> {
  const { ctx, config, quietMs, lastAt } = input;
  const waitMs = quietMs + METRICS_LAG_MS;
  const now = ctx.clock.now();
  const from = Math.max(lastAt, now - waitMs);
  if (now < lastAt + waitMs) return waiting(input, lastAt, waitMs);
  const describe = (error: unknown) => toAwsError(error, "The requests cannot be counted.").message;
  try {
    const options = { ctx, progress: { lastAt }, isPassing: isOutage, everyMs: AGAIN_MS, describe };
    return await continueLater(options, async () => {
      const found = await findLastRequest(ctx, config, from);
      return found === undefined ? succeeded({}) : waiting(input, found, waitMs);
    });
  } catch (error) {
    return toFaultStep(error, describe);
  }
}

/** Fails the task when the search is denied: without an answer, nothing is idle. */
function toFaultStep(error: unknown, describe: (error: unknown) => string): IdleStep {
  if (isStackyardError(error, "CONFIG_INVALID")) {
    return failed({ code: "IDLE_NOT_CONFIGURED", message: error.message, retryable: false });
  }
  if (isStackyardError(error)) throw error;
  const advice = "The role of the target needs the permission cloudwatch:GetMetricData.";
  return failed({ code: "IDLE_DENIED", message: `${describe(error)} ${advice}`, retryable: false });
}

async function lookForEvents(input: LookInput): Promise<IdleStep> {
  const { ctx, quietMs, lastAt } = input;
  const { idempotencyKey, stackId } = ctx;
  const now = ctx.clock.now();
  if (now < lastAt + quietMs) return waiting(input, lastAt, quietMs);
  try {
    const found = await idleQuestions.find(ctx, idempotencyKey);
    const { since, answeredAt, activeAt } = found ?? {};
    if (since === lastAt && answeredAt === undefined) return asking(lastAt);
    if (since !== lastAt || answeredAt === undefined || now - answeredAt > FRESH_MS) {
      await ask(ctx, idempotencyKey, { stack: stackId, since: lastAt });
      return asking(lastAt);
    }
    return answeredAt - (activeAt ?? lastAt) >= quietMs ? succeeded({}) : waiting(input, activeAt ?? lastAt, quietMs);
  } catch (error) {
    if (!isStackyardError(error, "CONFIG_INVALID")) throw error;
    const message = "The search for events needs a runner with the yard's store.";
    return failed({ code: "IDLE_NEEDS_STORE", message, retryable: false });
  }
}

function asking(lastAt: number): Running<IdleProgress> {
  const message = "Waits until a server of the yard with this plugin has looked for events ACTIVE.";
  return running({ progress: { lastAt }, pollAfterMs: ANSWER_MS, message });
}

function waiting({ ctx, config, lastAt }: LookInput, last: number, waitMs: number): Running<IdleProgress> {
  const now = ctx.clock.now();
  const what = config.source === "events" ? "event ACTIVE" : "request";
  const ago = formatDuration(Math.floor((now - last) / MINUTE_MS) * MINUTE_MS);
  const next = `The next check is at ${toMinute(last + waitMs)}.`;
  const text = last === lastAt ? `Waits for ${formatDuration(waitMs)}.` : `The last ${what} was ${ago} ago.`;
  const pollAfterMs = Math.max(0, last + waitMs - now);
  return running({ progress: { lastAt: last }, pollAfterMs, message: `${text} ${next}` });
}

/** Formats a minute, such as 2026-11-22 12:05 UTC. */
function toMinute(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
