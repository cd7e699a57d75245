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

  constructor(code: string, message: string, options: { retryable: boolean; awsName?: string; cause: unknown }) {
    super(message, { cause: options.cause });
    this.name = "AwsCallError";
    this.code = code;
    this.retryable = options.retryable;
    this.awsName = options.awsName;
  }
}

/** One call: what for, and what it means when AWS does not serve it. */
export interface AwsCall<Answer> {
  /** A sentence, such as `The instances could not be listed.` */
  readonly what: string;
  readonly send: (signal: AbortSignal) => Promise<Answer>;
  /** Default: `AWS_UNAVAILABLE`. */
  readonly unavailable?: string;
  /** Asked before a repeat when nobody knows whether the call was served; an answer is that of the call. */
  readonly recover?: () => Promise<Answer | undefined>;
}

/**
 * Calls AWS, again where it throttles or fails in passing: at most ten times and not past the deadline. Throws
 * `AwsCallError`, and the signal's reason once it is aborted.
 */
export async function callAws<Answer>(aws: FleetAws, call: AwsCall<Answer>): Promise<Answer> {
  const { clock, signal } = aws;
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await call.send(signal);
    } catch (error) {
      signal.throwIfAborted();
      const { fault, delayMs } = judge(aws, error, attempt);
      if (delayMs === undefined) throw toCallError(error, fault, call);
      await clock.sleep(delayMs, signal);
      const found = fault.throttled ? undefined : await call.recover?.();
      if (found !== undefined) return found;
    }
  }
}

/** What an error is, and how long to wait before the next try; undefined: there is none. */
function judge({ clock, deadlineAt, random }: FleetAws, error: unknown, attempt: number) {
  const fault = findAwsFault(error);
  const delayMs = toDelayMs(attempt, random());
  const isLast = attempt >= MAX_ATTEMPTS || clock.now() + delayMs > deadlineAt;
  return { fault, delayMs: fault.kind !== "retryable" || isLast ? undefined : delayMs };
}

function toCallError(
  error: unknown,
  fault: AwsFault,
  { what, unavailable = "AWS_UNAVAILABLE" }: AwsCall<unknown>,
): AwsCallError {
  const { message } = toAwsError(error, what);
  const options = { cause: error, ...(fault.name === undefined ? {} : { awsName: fault.name }) };
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
