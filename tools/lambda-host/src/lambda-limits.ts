/** What Lambda allows, with the page that says so. */
export const LAMBDA_LIMITS = {
  /** "Lambda quotas", Function timeout: 900 seconds. */
  maxTimeoutMs: 900_000,
  /** "Lambda quotas", Invocation payload: 6 MB each for request and response of a synchronous call. Event source mappings call synchronously. */
  maxPayloadBytes: 6 * 1024 * 1024,
  /** "Lambda quotas", Concurrent executions: 1,000 of an account and region. */
  accountConcurrency: 1_000,
  /** "Configuring scaling behavior for SQS event source mappings": five batches at a time with five concurrent invocations to begin with. */
  firstPollers: 5,
  /** The same page: the maximum concurrency of a mapping is between 2 and 1,000. */
  maximumConcurrency: { least: 2, most: 1_000 },
  /** "Lambda parameters for Amazon SQS event source mappings", BatchSize: 10 by default; more needs a batching window. */
  batchSize: 10,
} as const;

/** What SQS allows. */
export const SQS_LIMITS = {
  /** "Amazon SQS message quotas", Message visibility timeout: 12 hours. */
  maxVisibilitySeconds: 43_200,
  /** The same page, long polling wait time: 20 seconds. */
  maxWaitSeconds: 20,
} as const;
