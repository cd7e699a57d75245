import { type Clock, StackyardError, within } from "@stackyard/core";
import { runTimed } from "../invocation.ts";
import type { LambdaContext } from "../lambda-context.ts";
import { type CustomResourceRequest, isAnswerUrl, parseRequest, type SendDeps, sendResponse } from "./send-response.ts";

/** The dependencies of every custom resource. */
export interface ServeDeps extends SendDeps {
  /** Address of an AWS emulator, which may receive responses too. Default: none. */
  readonly emulator?: string | undefined;
}

/** The parts that differ from type to type. Both functions send the response. */
export interface ServedResource {
  readonly work: (request: CustomResourceRequest, invocation: Invocation) => Promise<void>;
  /**
   * Handles an error of the work. After the time for the work it is `TIMED_OUT`, with the calls of AWS that were not
   * answered.
   */
  readonly meetFault: (request: CustomResourceRequest, error: unknown) => Promise<void>;
}

/**
 * Prefix of the physical id of a resource whose creation failed before anything was made. Its deletion succeeds without
 * any call and with any configuration, so that nothing stops a rollback.
 */
export const NEVER_MADE = "never-made-";

/**
 * Serves a request of CloudFormation in the time of the function: the work ends some seconds before the function does,
 * whatever service does not answer, and the rest of the time is for the response. Throws `EVENT_INVALID` when no response
 * is possible.
 */
export async function serveRequest(
  deps: ServeDeps,
  { event, context }: { readonly event: unknown; readonly context?: LambdaContext | undefined },
  { work, meetFault }: ServedResource,
): Promise<void> {
  const request = parseRequest(event);
  if (request === undefined || !isAnswerUrl(request.ResponseURL, deps.emulator)) {
    const why = request === undefined ? "an id or ResponseURL is missing" : "ResponseURL is not an https address of S3";
    throw new StackyardError("EVENT_INVALID", `The request cannot be answered: ${why}.`);
  }
  if (request.RequestType === "Delete" && request.PhysicalResourceId?.startsWith(NEVER_MADE)) {
    return sendResponse(deps, request.ResponseURL, toNeverMade(request));
  }
  const invocation = createInvocation(deps.clock, context);
  try {
    await invocation.run(() => work(request, invocation));
  } catch (error) {
    await meetFault(request, error);
  }
}

function toNeverMade({ StackId, RequestId, LogicalResourceId, PhysicalResourceId }: CustomResourceRequest) {
  const ids = { PhysicalResourceId, StackId, RequestId, LogicalResourceId };
  return { Status: "SUCCESS", Reason: "The resource was never made.", ...ids };
}

/** One call of the function and its time. */
export interface Invocation {
  /** Aborted when the time for work is over. */
  readonly signal: AbortSignal;
  /** The whole time of the function; a minute without a context. */
  readonly ttlMs: number;
  /** The end of the time for work, in epoch milliseconds; infinite without a context. */
  readonly deadlineAt: number;
  /** Rejects with `TIMED_OUT` when the time for the work is over; the rest is for a response. */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
}

const LEFT_FOR_ANSWER_MS = 20_000;
/** Used when the invocation has no deadline. */
const DEFAULT_TTL_MS = 60_000;
/** A call that hangs must leave time for others. */
const CALL_MS = 40_000;

const AFTER_CALLS_MS = 2_000;

/** Ends work 20 s before the function ends; in functions that have not twice as much, at half of their time. */
export function createInvocation(clock: Clock, context: LambdaContext | undefined): Invocation {
  const remainingMs = context?.getRemainingTimeInMillis?.();
  const controller = new AbortController();
  const { signal } = controller;
  if (remainingMs === undefined) {
    return { signal, ttlMs: DEFAULT_TTL_MS, deadlineAt: Number.POSITIVE_INFINITY, run: (work) => work() };
  }
  const ms = Math.max(remainingMs - LEFT_FOR_ANSWER_MS, remainingMs / 2);
  const deadlineAt = clock.now() + ms;
  return {
    signal,
    ttlMs: remainingMs,
    deadlineAt,
    async run(work) {
      // A call that ends with the time leaves the work a moment to say what it was for.
      const callsEndAt = deadlineAt - Math.min(AFTER_CALLS_MS, ms / 4);
      const timed = runTimed({ deadlineAt: callsEndAt, callMs: Math.min(CALL_MS, ms / 2) }, work);
      return within(timed.result, {
        clock,
        ms,
        late() {
          const error = toLate(timed.unanswered());
          controller.abort(error);
          throw error;
        },
      });
    },
  };
}

function toLate(unanswered: readonly string[]): StackyardError {
  const calls = [...new Set(unanswered)].join(", ");
  const why = calls === "" ? "" : ` ${calls} did not answer.`;
  return new StackyardError("TIMED_OUT", `The function's time is nearly over.${why}`);
}
