/** A deployed function. */
export interface FunctionInput {
  readonly name: string;
  /** Variables of each instance. Addresses in them (`AWS_ENDPOINT_URL…`, `DATABASE_URL`) are led through the instance's own way out. */
  readonly environment: Readonly<Record<string, string>>;
  /** Creates the handler of a new instance, at a cold start. */
  readonly create: (environment: Readonly<Record<string, string>>) => FunctionHandler | Promise<FunctionHandler>;
  /** After which an invocation is given up and its instance with it. */
  readonly timeoutMs: number;
  /** Invocations at a time. Default: the account's 1,000. */
  readonly reservedConcurrency?: number;
}

/** What an instance does with an event. */
export type FunctionHandler = (event: unknown, context: FunctionContext) => unknown;

/** The context object ("AWS Lambda context object in Node.js"), what of it is read. */
export interface FunctionContext {
  readonly awsRequestId: string;
  readonly functionName: string;
  readonly invokedFunctionArn: string;
  readonly memoryLimitInMB: string;
  getRemainingTimeInMillis(): number;
}

/** One invocation of a function, as in its log. */
export interface Invocation {
  readonly functionName: string;
  readonly requestId: string;
  /** Counts the instances of a function from 1. */
  readonly instance: number;
  readonly isColdStart: boolean;
  readonly event: unknown;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: Outcome;
}

/** How it ended. `errored`: the handler threw or could not be made, or the answer was too large. */
export type Outcome =
  | { readonly kind: "answered"; readonly answer: unknown }
  | { readonly kind: "errored"; readonly message: string }
  | { readonly kind: "timed-out" };

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
