import { findAwsFault, isDenial, NEW_ROLE_MS, redactText } from "@stackyard/aws";
import { isStackyardError, keepStart } from "@stackyard/core";
import { toAwsFailure } from "../task-order.ts";
import { type RunFailure, toUnwatched } from "../task-run.ts";
import { fail, type Turn, type TurnContext, toDeadline, toFailed } from "./turn.ts";

/** After so long without an answer of AWS work fails. */
const TROUBLE_MS = 5 * 60_000;
const TROUBLE_PAUSE_MS = 10_000;

/**
 * Returns how long to retry a call that AWS does not serve: for five minutes, and never past the deadline; while tasks
 * work, to the deadline.
 */
export function toPatience({ work, config, deps }: TurnContext) {
  const now = deps.clock.now();
  const since = work.troubledSince ?? now;
  const deadline = config === undefined ? Number.POSITIVE_INFINITY : toDeadline(config, work);
  const until = work.phase === "wait" ? deadline : Math.min(since + TROUBLE_MS, deadline);
  return { now, since, until, everyMs: TROUBLE_PAUSE_MS };
}

/**
 * Converts an error of AWS or of the records. A denial may pass for two minutes, because the role may be new; so may every
 * refusal while tasks work, because policies are replaced meanwhile.
 */
export function toTrouble(
  { work, deps }: Pick<TurnContext, "work" | "deps">,
  error: unknown,
  what: string,
): RunFailure {
  if (isStackyardError(error)) return { code: "ECS_AWS_ERROR", message: error.message, retryable: error.retryable };
  const failure = toAwsFailure(error, what);
  const now = deps.clock.now();
  const mayPass = isDenial(error) || work.phase === "wait";
  return mayPass && now < (work.troubledSince ?? now) + NEW_ROLE_MS ? { ...failure, retryable: true } : failure;
}

/**
 * Handles a call that AWS does not serve: retries it within the limit. Tasks that work and may not be checked any more
 * are left alone, unless the properties say otherwise.
 */
export function meetTrouble(context: TurnContext, { code, message, retryable }: RunFailure): Turn {
  const { now, since, until, everyMs } = toPatience(context);
  const isLeft = context.work.phase === "wait" && context.config?.stopOnError !== true && now < until;
  if (!retryable && isLeft) {
    return toFailed(context, toUnwatched({ code, message, retryable }, context.work));
  }
  if (!retryable || now >= until) return fail(context, { code, message });
  return { kind: "wait", changes: { troubledSince: since }, afterMs: Math.min(everyMs, until - now) };
}

/**
 * Returns true for an error of an AWS call, with or without a response. False for our faults, and for cancelled calls.
 */
export function isAwsError(error: unknown): boolean {
  if (typeof error !== "object" || error === null || isStackyardError(error)) return false;
  if ("$metadata" in error || "$fault" in error) return !("name" in error && error.name === "AbortError");
  const { code } = findAwsFault(error);
  return code !== "INTERNAL" && code !== "INTERRUPTED";
}

/** Returns true for an error of the records that passes. */
export function isPassingTrouble(error: unknown): boolean {
  return isStackyardError(error) && error.retryable && error.code !== "TIMED_OUT";
}

const MAX_CAUSE = 1_000;

/** Returns a text for a response, without addresses. */
export function toCause(text: string): string {
  return keepStart(redactText(text), MAX_CAUSE);
}

/** Formats an error for a response: name and message. */
export function formatError(error: unknown): string {
  return toCause(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}
