import type { Clock } from "@stackyard/core";
import { type AwsFault, findAwsFault, toAwsError } from "./aws-fault.ts";

/** Values by AWS's name of an error, by our code or by its `Answer`; the first of these that has one counts. */
type ByFault<Value> = Readonly<Record<string, Value>>;

/** What the errors of a call mean for its caller. */
export interface CallPolicy<Else = never, Result = unknown> {
  /** What could not be done, as a sentence. Default: the SDK's errors are thrown as they are. */
  readonly what?: string;
  /** What to do about it. Default: as the code says. */
  readonly advice?: string | ByFault<string>;
  /** Results in place of errors: `{ gone: undefined }` where nothing needs to be there. Default: each error is thrown. */
  readonly instead?: ByFault<Else>;
  /** Repeats the call while its error passes. Default: never; the SDK has tried again already. */
  readonly again?: CallRepetition<Result>;
  /** Converts an error. Default: `toAwsError`, with the advice. */
  toError?(error: unknown, end: CallEnd): unknown;
}

/** How a call is repeated. */
export interface CallRepetition<Result> {
  readonly clock: Pick<Clock, "now" | "sleep">;
  readonly signal: AbortSignal;
  /** No pause ends after it. */
  readonly deadlineAt: number;
  /** In total. */
  readonly tries: number;
  pauseMs(failed: number): number;
  /**
   * Called before a retry, and after the last try, when it is unknown whether AWS executed the call; its result is the
   * call's.
   */
  readonly recover?: (() => Promise<Result | undefined>) | undefined;
}

/** How a call has ended. */
export interface CallEnd {
  /** True if it is unknown whether AWS executed the call. */
  readonly isOpen: boolean;
}

/**
 * Makes a call of AWS. Throws its errors as `toAwsError` converts them, those of ours unchanged, and the reason of the signal
 * once it is aborted.
 */
export async function callAws<Result, Else = never>(
  send: () => Promise<Result>,
  policy: CallPolicy<Else, Result>,
): Promise<Result | Else> {
  const { again } = policy;
  for (let failed = 1; ; failed += 1) {
    again?.signal.throwIfAborted();
    try {
      return await send();
    } catch (error) {
      again?.signal.throwIfAborted();
      const other = await settle(policy, error, failed);
      if (other !== undefined) return other.value;
    }
  }
}

/** Returns the result in place of an error, or undefined when the call is to be repeated. Throws the error after the last try. */
async function settle<Result, Else>(
  policy: CallPolicy<Else, Result>,
  error: unknown,
  failed: number,
): Promise<{ readonly value: Result | Else } | undefined> {
  const { again, instead = {} } = policy;
  const fault = findAwsFault(error);
  const other = select(instead, fault);
  if (other !== undefined) return other;
  if (again === undefined || fault.answer !== "passing") throw toError(error, policy);
  const recover = fault.throttled ? undefined : again.recover;
  const found = await waitForNext(again, policy, { error, failed, recover });
  return found === undefined ? undefined : { value: found };
}

interface FailedTry<Result> {
  readonly error: unknown;
  readonly failed: number;
  readonly recover: CallRepetition<Result>["recover"];
}

/** Waits for the next try. Returns the result that was recovered for this one; throws after the last try. */
async function waitForNext<Result>(
  { clock, signal, deadlineAt, tries, pauseMs }: CallRepetition<Result>,
  policy: CallPolicy<unknown, Result>,
  { error, failed, recover }: FailedTry<Result>,
): Promise<Result | undefined> {
  const delayMs = pauseMs(failed);
  const isLate = clock.now() + delayMs > deadlineAt;
  const isLast = failed >= tries;
  if (isLate || (isLast && recover === undefined)) throw toError(error, policy, recover !== undefined);
  if (!isLast) await clock.sleep(delayMs, signal);
  const found = await recover?.();
  if (found === undefined && isLast) throw toError(error, policy);
  return found;
}

function toError<Result>(error: unknown, policy: CallPolicy<unknown, Result>, isOpen = false): unknown {
  const { what, advice } = policy;
  if (policy.toError !== undefined) return policy.toError(error, { isOpen });
  if (what === undefined) return error;
  return toAwsError(
    error,
    what,
    typeof advice === "string" ? advice : select(advice ?? {}, findAwsFault(error))?.value,
  );
}

function select<Value>(
  values: ByFault<Value>,
  { name, code, answer }: AwsFault,
): { readonly value: Value } | undefined {
  const found = [name, code, answer].flatMap((key) => Object.entries(values).filter(([each]) => each === key));
  return found[0] && { value: found[0][1] };
}
