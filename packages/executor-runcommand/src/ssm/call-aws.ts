import { type AwsFault, findAwsFault, toAwsError } from "@stackyard/aws";
import type { Clock, Random } from "@stackyard/core";
import type { FleetEc2Client, FleetSsmClient } from "./fleet-clients.ts";
import { MAX_ATTEMPTS, toDelayMs } from "./to-delay-ms.ts";

/** What calls of a run work with. */
export interface FleetAws {
  readonly ssm: FleetSsmClient;
  readonly ec2: FleetEc2Client;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly deadlineAt: number;
  readonly random: Random;
}

/** A call that AWS refused, or did not serve after all tries. */
export class AwsCallError extends Error {
  /** Ours, such as `SSM_THROTTLED`, or the service's in upper snake case. */
  readonly code: string;
  readonly retryable: boolean;
  /** As AWS names it. */
  readonly awsName: string | undefined;
  /** Nobody knows whether the call was served. */
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

/** One call: what for, and what it means when AWS does not serve it. */
export interface AwsCall<Answer> {
  /** A sentence, such as `The instances could not be listed.` */
  readonly what: string;
  readonly send: (signal: AbortSignal) => Promise<Answer>;
  /** Default: `AWS_UNAVAILABLE`. */
  readonly unavailable?: string;
  /** Asked before a repeat, and after the last try, when nobody knows whether the call was served; an answer is that of the call. */
  readonly recover?: () => Promise<Answer | undefined>;
}

/**
 * Calls AWS, again where it throttles or fails in passing: at most ten times and not past the deadline. Throws
 * `AwsCallError`, and the signal's reason once it is aborted.
 */
export async function callAws<Answer>(aws: FleetAws, call: AwsCall<Answer>): Promise<Answer> {
  const { signal } = aws;
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await call.send(signal);
    } catch (error) {
      signal.throwIfAborted();
      const found = await waitForNext(aws, call, { error, attempt });
      if (found !== undefined) return found;
    }
  }
}

/** Until the next try. Answers what has become of this one where that was asked and is known; throws where there is no other. */
async function waitForNext<Answer>(
  aws: FleetAws,
  call: AwsCall<Answer>,
  { error, attempt }: { readonly error: unknown; readonly attempt: number },
): Promise<Answer | undefined> {
  const fault = findAwsFault(error);
  if (fault.kind !== "retryable") throw toCallError(error, call);
  const recover = fault.throttled ? undefined : call.recover;
  const delayMs = toDelayMs(attempt, aws.random());
  const isLate = aws.clock.now() + delayMs > aws.deadlineAt;
  const isLast = attempt >= MAX_ATTEMPTS;
  if (isLate || (isLast && recover === undefined)) throw toCallError(error, call, { isOpen: recover !== undefined });
  if (!isLast) await aws.clock.sleep(delayMs, aws.signal);
  const found = recover && (await recoverAnswer(recover));
  if (found === undefined && isLast) throw toCallError(error, call);
  return found;
}

/** Where the question is not answered, it stays open. */
async function recoverAnswer<Answer>(recover: () => Promise<Answer | undefined>): Promise<Answer | undefined> {
  try {
    return await recover();
  } catch (error) {
    if (!(error instanceof AwsCallError)) throw error;
    const { code, message, retryable, awsName } = error;
    throw new AwsCallError(code, message, { retryable, awsName, isOpen: true, cause: error });
  }
}

/** An error of a call that is not made again. */
export function toCallError(
  error: unknown,
  { what, unavailable = "AWS_UNAVAILABLE" }: Pick<AwsCall<unknown>, "what" | "unavailable">,
  { isOpen = false } = {},
): AwsCallError {
  const fault = findAwsFault(error);
  const { message } = toAwsError(error, what);
  const options = { cause: error, isOpen, awsName: fault.name };
  if (fault.kind === "retryable") return new AwsCallError(unavailable, message, { ...options, retryable: true });
  return new AwsCallError(toCode(fault), message, { ...options, retryable: false });
}

function toCode({ code, name }: AwsFault): string {
  if (code === "FORBIDDEN" || code === "UNAUTHENTICATED") return "ACCESS_DENIED";
  if (code === "CONFIG_INVALID" && name === undefined) return code;
  return name === undefined ? "AWS_ERROR" : toUpperSnake(name);
}

/** `InvalidInstanceID.NotFound` becomes `INVALID_INSTANCE_ID_NOT_FOUND`. */
function toUpperSnake(name: string): string {
  return name
    .replace(/Exception$/, "")
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/\W+/g, "_")
    .toUpperCase();
}
