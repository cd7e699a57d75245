/** A deployed function. */
export interface FunctionInput {
  readonly name: string;
  /** Variables of each instance. Addresses in them (`AWS_ENDPOINT_URL…`, `DATABASE_URL`) are led through the instance's own way out. */
  readonly environment: Readonly<Record<string, string>>;
  /** A cold start: makes the handler of a new instance. */
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
