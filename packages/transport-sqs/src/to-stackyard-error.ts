import { type AnswerPolicy, callAws, findAwsFault, toAnswer } from "@stackyard/aws";
import { type ErrorCode, isStackyardError, StackyardError } from "@stackyard/core";

/**
 * Converts an error of an AWS call to a Stackyard error with the attempted action. Transient errors are retryable:
 * `UNREACHABLE` and `RATE_LIMITED`.
 */
export function toStackyardError(error: unknown, what: string): StackyardError {
  if (isStackyardError(error)) return error;
  const name = error instanceof Error ? error.name : "";
  const text = error instanceof Error ? error.message : String(error);
  const [code, advice] = judge(error);
  const details = code === "CONFIG_INVALID" && AT_FAULT.test(name) ? MESSAGE_REFUSED : {};
  return new StackyardError(code, `${what} failed with ${name || "an error"}: ${text}${advice}`, {
    cause: error,
    details,
  });
}

/** Makes a call of AWS. Throws its errors as `toStackyardError` converts them; `what` describes the call. */
export function callTransport<Result>(what: string, send: () => Promise<Result>): Promise<Result> {
  return callAws(send, { toError: (error) => toStackyardError(error, what) });
}

/** The details of an error that is one message's fault; others may go to the same place. */
export const MESSAGE_REFUSED = { refused: "message" } as const;

/** Returns true when a message is at fault, and would be refused each time, whatever the role and configuration. */
export function isMessageRefused(error: unknown): error is StackyardError {
  if (!isStackyardError(error)) return false;
  return error.code === "PAYLOAD_TOO_LARGE" || error.details["refused"] === MESSAGE_REFUSED.refused;
}

type Judgement = readonly [ErrorCode, string];

/** Without credentials nothing was sent: where they come from may not answer now. */
const UNSENT: AnswerPolicy = { passing: ["CredentialsProviderError", "TokenProviderError"] };

function judge(error: unknown): Judgement {
  const { code } = findAwsFault(error);
  const answer = toAnswer(error, UNSENT);
  if (code === "PAYLOAD_TOO_LARGE" || code === "RATE_LIMITED") return [code, ""];
  if (answer === "passing" || answer === "unknown") return ["UNREACHABLE", ""];
  if (answer === "gone") return ["CONFIG_INVALID", " Check the address and the region."];
  const isDenied = code === "FORBIDDEN" || code === "UNAUTHENTICATED";
  return isDenied
    ? ["FORBIDDEN", " Allow the call in the role's policy; the package's README lists it."]
    : ["CONFIG_INVALID", ""];
}

const AT_FAULT = /InvalidMessageContents|InvalidParameterValue|InvalidAttributeValue|NoSuchKey/;
