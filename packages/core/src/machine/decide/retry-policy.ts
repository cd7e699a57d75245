import type { RetryPolicy } from "../machine.ts";

/** How an attempt failed. */
export interface Failure {
  readonly message?: string;
  readonly code?: string;
  /** Default true. */
  readonly retryable?: boolean;
}

/** The code of a failure that names none. */
export const DEFAULT_FAILURE_CODE = "TASK_FAILED";

/** Whether a task gets another attempt after so many failures, the present one included. */
export function mayRetry(policy: RetryPolicy, failures: number, { code, retryable = true }: Failure): boolean {
  const named = code ?? DEFAULT_FAILURE_CODE;
  if (!retryable || NEVER_RETRIED.has(named) || failures >= policy.attempts) return false;
  return policy.only === undefined || policy.only.has(named);
}

/** The longest wait before the next attempt after so many failures: it doubles (or what the factor says) each time. */
export function maxBackoffMs({ fromMs, toMs, factor }: RetryPolicy, failures: number): number {
  const backoffMs = fromMs * factor ** (failures - 1);
  // Zero times infinity is no number; neither is a wait.
  return Number.isNaN(backoffMs) ? toMs : Math.round(Math.min(toMs, backoffMs));
}

/** What another attempt would not mend, whatever its policy says. */
const NEVER_RETRIED: ReadonlySet<string> = new Set([
  "EXPRESSION_FAILED",
  "CONFIG_INVALID",
  "OUTPUT_INVALID",
  "TASK_CANCELLED",
]);
