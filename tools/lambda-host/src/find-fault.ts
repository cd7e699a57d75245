import type { EventSourceInput } from "./event-source.ts";
import { type FunctionInput, LAMBDA_LIMITS } from "./function-input.ts";

/** Returns why Lambda would reject this function. */
export function findFunctionFault({ timeoutMs, reservedConcurrency = 1 }: FunctionInput): string | undefined {
  const { maxTimeoutMs, accountConcurrency } = LAMBDA_LIMITS;
  if (timeoutMs < 1_000 || timeoutMs > maxTimeoutMs) {
    return `InvalidParameterValueException: The timeout must be between 1 and ${maxTimeoutMs / 1_000} seconds.`;
  }
  // "Configuring reserved concurrency": 100 of the account's executions stay with functions that reserve none.
  if (reservedConcurrency < 0 || reservedConcurrency > accountConcurrency - 100) {
    return "InvalidParameterValueException: Reserved concurrency must leave 100 executions to the account.";
  }
  return undefined;
}

/**
 * Returns why Lambda would not connect this queue. Source: API reference, `CreateEventSourceMapping`, and what it
 * answers.
 */
export function findEventSourceFault(
  { batchSize = LAMBDA_LIMITS.batchSize, maximumConcurrency }: EventSourceInput,
  { visibilityMs, timeoutMs }: { readonly visibilityMs: number; readonly timeoutMs: number },
): string | undefined {
  const { least, most } = LAMBDA_LIMITS.maximumConcurrency;
  if (visibilityMs < timeoutMs) {
    const [queue, own] = [visibilityMs / 1_000, timeoutMs / 1_000];
    return `InvalidParameterValueException: Queue visibility timeout: ${queue} seconds is less than Function timeout: ${own} seconds`;
  }
  if (batchSize < 1 || batchSize > LAMBDA_LIMITS.batchSize) {
    return "InvalidParameterValueException: More than 10 messages need a batching window, which this host has not.";
  }
  if (maximumConcurrency !== undefined && (maximumConcurrency < least || maximumConcurrency > most)) {
    return `InvalidParameterValueException: MaximumConcurrency must be between ${least} and ${most}.`;
  }
  return undefined;
}
