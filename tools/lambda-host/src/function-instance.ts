import type { Clock } from "@stackyard/core";
import {
  type FunctionContext,
  type FunctionHandler,
  type FunctionInput,
  type Invocation,
  LAMBDA_LIMITS,
  type Outcome,
} from "./function-input.ts";
import { openWayOut, type WayOut } from "./way-out.ts";

/** One execution environment: it is made by its first call, kept warm between calls, and dies of a timeout. */
export interface FunctionInstance {
  call(event: unknown): Promise<Invocation>;
  isAlive(): boolean;
  /** Cuts the instance off: its later calls are not received. */
  kill(): void;
}

let requests = 0;

/**
 * Creates an instance that has not started. Source of its life: "Understanding the Lambda execution environment
 * lifecycle".
 */
export function createInstance(
  input: FunctionInput,
  { clock, number }: { readonly clock: Clock; readonly number: number },
): FunctionInstance {
  let live: Promise<Live> | undefined;
  let isDead = false;

  function kill(): void {
    isDead = true;
    void live?.then(({ way }) => way.cut()).catch(() => {});
  }

  async function run(event: unknown, context: FunctionContext): Promise<Outcome> {
    live ??= begin(input);
    try {
      const { handler } = await live;
      return toOutcome(await handler(toPlain(event), context));
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      return { kind: "errored", message: `${name}: ${message}` };
    }
  }

  return {
    isAlive: () => !isDead,
    kill,
    async call(event) {
      requests += 1;
      const requestId = `00000000-0000-4000-8000-${String(requests).padStart(12, "0")}`;
      const isColdStart = live === undefined;
      const startedAt = clock.now();
      const ended = new AbortController();
      const timedOut = clock.sleep(input.timeoutMs, ended.signal).then((): Outcome => ({ kind: "timed-out" }));
      const outcome = await Promise.race([run(event, toContext(input, requestId, clock, startedAt)), timedOut]);
      ended.abort();
      // A timeout and a failed start both reset the environment.
      if (outcome.kind === "timed-out" || (await isBroken(live))) kill();
      return {
        functionName: input.name,
        requestId,
        instance: number,
        isColdStart,
        event,
        startedAt,
        endedAt: clock.now(),
        outcome,
      };
    },
  };
}

interface Live {
  readonly handler: FunctionHandler;
  readonly way: WayOut;
}

async function begin({ environment, create }: FunctionInput): Promise<Live> {
  const way = await openWayOut(environment);
  try {
    return { handler: await create(way.environment), way };
  } catch (error) {
    way.cut();
    throw error;
  }
}

/** Returns true if the start has failed; one that is still running has not. */
async function isBroken(live: Promise<Live> | undefined): Promise<boolean> {
  if (live === undefined) return false;
  return Promise.race([
    live.then(
      () => false,
      () => true,
    ),
    new Promise<false>((resolve) => setImmediate(() => resolve(false))),
  ]);
}

function toContext(input: FunctionInput, awsRequestId: string, clock: Clock, startedAt: number): FunctionContext {
  return {
    awsRequestId,
    functionName: input.name,
    memoryLimitInMB: "512",
    invokedFunctionArn: `arn:aws:lambda:eu-west-1:000000000000:function:${input.name}`,
    getRemainingTimeInMillis: () => Math.max(0, startedAt + input.timeoutMs - clock.now()),
  };
}

/** Returns the event as the runtime passes it: parsed from JSON, so nothing is shared with the caller. */
function toPlain(event: unknown): unknown {
  return JSON.parse(JSON.stringify(event));
}

function toOutcome(answer: unknown): Outcome {
  const text = JSON.stringify(answer) ?? "null";
  // "Lambda quotas"; the runtime answers Function.ResponseSizeTooLarge.
  if (Buffer.byteLength(text) > LAMBDA_LIMITS.maxPayloadBytes) {
    return { kind: "errored", message: "Function.ResponseSizeTooLarge: The response exceeds 6291456 bytes." };
  }
  return { kind: "answered", answer: JSON.parse(text) };
}
