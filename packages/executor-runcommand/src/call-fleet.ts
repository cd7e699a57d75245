import { EC2Client, type EC2ClientConfig } from "@aws-sdk/client-ec2";
import { SSMClient, type SSMClientConfig } from "@aws-sdk/client-ssm";
import { type AwsFault, callAws, findAwsFault, toAwsError } from "@stackyard/aws";
import { backoff, type Clock, defined, listPages, type Random } from "@stackyard/core";

/** The dependencies of a run's AWS calls. */
export interface FleetAws {
  readonly ssm: FleetSsmClient;
  readonly ec2: FleetEc2Client;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly deadlineAt: number;
  readonly random: Random;
}

/** A call that AWS rejected, or that still failed after the last try. */
export class AwsCallError extends Error {
  /** Ours, such as `SSM_THROTTLED`, or the service's in upper snake case. */
  readonly code: string;
  readonly retryable: boolean;
  /** As AWS names it. */
  readonly awsName: string | undefined;
  /** True if it is unknown whether AWS executed the call. */
  readonly isOpen: boolean;

  constructor(code: string, message: string, options: AwsCallErrorOptions) {
    super(message, { cause: options.cause });
    this.name = "AwsCallError";
    this.code = code;
    this.retryable = options.retryable;
    this.awsName = options.awsName;
    this.isOpen = options.isOpen === true;
  }
}

interface AwsCallErrorOptions {
  readonly retryable: boolean;
  readonly awsName?: string | undefined;
  readonly isOpen?: boolean;
  readonly cause: unknown;
}

/** One call, with the texts and codes of its failures. */
interface FleetCall<Answer> {
  /** A sentence, such as `The instances could not be listed.` */
  readonly what: string;
  readonly send: (signal: AbortSignal) => Promise<Answer>;
  /** Default: `AWS_UNAVAILABLE`. */
  readonly unavailable?: string;
  /** As in `CallRepetition`. */
  readonly recover?: () => Promise<Answer | undefined>;
}

/**
 * Calls AWS and retries throttling and transient errors: at most ten tries, never past the deadline. Throws
 * `AwsCallError`, and the signal's reason once it is aborted.
 */
export function callFleet<Answer>(aws: FleetAws, call: FleetCall<Answer>): Promise<Answer> {
  const { clock, signal, deadlineAt, random } = aws;
  const { recover } = call;
  return callAws(() => call.send(signal), {
    toError: (error, { isOpen }) => toCallError(error, call, { isOpen }),
    again: {
      clock,
      signal,
      deadlineAt,
      tries: MAX_ATTEMPTS,
      pauseMs: (failed) => toDelayMs(failed, random()),
      recover: recover && (() => recoverAnswer(recover)),
    },
  });
}

/** Recovers a response. If `recover` itself fails, the outcome of the call stays unknown. */
async function recoverAnswer<Answer>(recover: () => Promise<Answer | undefined>): Promise<Answer | undefined> {
  try {
    return await recover();
  } catch (error) {
    if (!(error instanceof AwsCallError)) throw error;
    const { code, message, retryable, awsName } = error;
    throw new AwsCallError(code, message, { retryable, awsName, isOpen: true, cause: error });
  }
}

/** Converts an error of a call that is not retried. */
export function toCallError(
  error: unknown,
  { what, unavailable = "AWS_UNAVAILABLE" }: Pick<FleetCall<unknown>, "what" | "unavailable">,
  { isOpen = false } = {},
): AwsCallError {
  const fault = findAwsFault(error);
  const { message } = toAwsError(error, what);
  const options = { cause: error, isOpen, awsName: fault.name };
  if (fault.answer === "passing") return new AwsCallError(unavailable, message, { ...options, retryable: true });
  return new AwsCallError(toCode(fault), message, { ...options, retryable: false });
}

function toCode({ code, name }: AwsFault): string {
  if (code === "FORBIDDEN" || code === "UNAUTHENTICATED") return "ACCESS_DENIED";
  if (code === "CONFIG_INVALID" && name === undefined) return code;
  return name === undefined ? "AWS_ERROR" : toUpperSnake(name);
}

/** Converts `InvalidInstanceID.NotFound` to `INVALID_INSTANCE_ID_NOT_FOUND`. */
function toUpperSnake(name: string): string {
  return name
    .replace(/Exception$/, "")
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/\W+/g, "_")
    .toUpperCase();
}

/** The maximum number of tries of a call. */
export const MAX_ATTEMPTS = 10;

const FIRST_MS = 200;
const CAP_MS = 20_000;

/** Returns the delay: exponential backoff with full jitter from 200 ms, doubled after each try, at most 20 s. */
export function toDelayMs(attempts: number, random: number): number {
  return Math.floor(random * backoff(attempts, { first: FIRST_MS, most: CAP_MS }));
}

/**
 * The SDK must not retry: it would send a command twice when only the answer was lost, and it would ignore the run's
 * deadline. `callFleet` retries instead.
 */
const ONE_TRY = { maxAttempts: 1, retryMode: "standard" } as const;

/** Systems Manager without the SDK's retries. */
export class FleetSsmClient extends SSMClient {
  constructor(config: SSMClientConfig) {
    const { retryStrategy: _, ...rest } = config;
    super({ ...rest, ...ONE_TRY });
  }
}

/** EC2 without the SDK's retries. */
export class FleetEc2Client extends EC2Client {
  constructor(config: EC2ClientConfig) {
    const { retryStrategy: _, ...rest } = config;
    super({ ...rest, ...ONE_TRY });
  }
}

/** Yields all pages of a listing, one call per page. A missing or empty `NextToken` ends it. */
export function listTokenPages<Page extends { readonly NextToken?: string | undefined }>(
  aws: FleetAws,
  what: string,
  load: (token: { readonly NextToken?: string }, options: { readonly abortSignal: AbortSignal }) => Promise<Page>,
): AsyncGenerator<Page> {
  return listPages(async ({ cursor }) => {
    const token = defined({ NextToken: cursor });
    const page = await callFleet(aws, { what, send: (abortSignal) => load(token, { abortSignal }) });
    return { ...page, cursor: page.NextToken || undefined };
  });
}
