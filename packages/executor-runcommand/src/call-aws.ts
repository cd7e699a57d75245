import { EC2Client, type EC2ClientConfig } from "@aws-sdk/client-ec2";
import { SSMClient, type SSMClientConfig } from "@aws-sdk/client-ssm";
import { type AwsFault, findAwsFault, toAwsError } from "@stackyard/aws";
import type { Clock, Random } from "@stackyard/core";

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
interface AwsCall<Answer> {
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

/** So often a call is tried. */
export const MAX_ATTEMPTS = 10;

const FIRST_MS = 200;
const CAP_MS = 20_000;

/** The pause after so many tries: from 200 ms, twice as long each time, at most 20 s, and any part of it (full jitter). */
export function toDelayMs(attempts: number, random: number): number {
  return Math.floor(random * Math.min(CAP_MS, FIRST_MS * 2 ** (attempts - 1)));
}

/**
 * One call is one try: a repeat by the SDK would send a command twice where only the answer was lost, and it would not keep
 * the run's deadline. `callAws` repeats instead.
 */
const ONE_TRY = { maxAttempts: 1, retryMode: "standard" } as const;

/** Systems Manager, without the SDK's own repeats. */
export class FleetSsmClient extends SSMClient {
  constructor(config: SSMClientConfig) {
    const { retryStrategy: _, ...rest } = config;
    super({ ...rest, ...ONE_TRY });
  }
}

/** EC2, without the SDK's own repeats. */
export class FleetEc2Client extends EC2Client {
  constructor(config: EC2ClientConfig) {
    const { retryStrategy: _, ...rest } = config;
    super({ ...rest, ...ONE_TRY });
  }
}

/** All pages of a listing: each names the token of the next, an absent or empty one is the end. */
export async function* listPages<Page extends { readonly NextToken?: string | undefined }>(
  load: (token: { readonly NextToken?: string }) => Promise<Page>,
): AsyncGenerator<Page> {
  let token: { readonly NextToken?: string } | undefined = {};
  while (token !== undefined) {
    const page: Page = await load(token);
    yield page;
    token = page.NextToken === undefined || page.NextToken === "" ? undefined : { NextToken: page.NextToken };
  }
}

/** Works on items with so many at a time; the answers are in the order of the items. The first failure ends it. */
export async function mapLimited<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  let hasFailed = false;
  async function run(): Promise<void> {
    for (const [index, item] of queue) {
      if (hasFailed) return;
      try {
        results[index] = await work(item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, run));
  return results;
}
