import { ERROR_CODES, type ErrorCode, isStackyardError, StackyardError } from "@stackyard/core";

/** What an error about artifacts carries besides code and message. */
export interface ArtifactErrorOptions {
  readonly cause?: unknown;
  /** What to do next. */
  readonly hint?: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/**
 * An error with a word of artifacts, such as `VERSION_CONFLICT`. Words that are codes of every error stay codes; others are the
 * answer no, and stand in `details.problem.code`, from where the command line shows them.
 */
export function toArtifactError(word: string, message: string, options: ArtifactErrorOptions = {}): StackyardError {
  const { cause, hint, facts } = options;
  const code = isErrorCode(word) ? word : "OUTCOME_NEGATIVE";
  const problem = isErrorCode(word) ? {} : { problem: { code: word } };
  return new StackyardError(code, message, {
    ...(cause === undefined ? {} : { cause }),
    details: { ...facts, ...(hint === undefined ? {} : { hint }), ...problem },
  });
}

/** The most exact word of an error of ours: `VERSION_CONFLICT`, `SIZE_MISMATCH`, or its code. Undefined for other errors. */
export function findArtifactCode(error: unknown): string | undefined {
  if (!isStackyardError(error)) return undefined;
  const { problem } = error.details;
  const named = typeof problem === "object" && problem !== null && "code" in problem ? problem.code : undefined;
  return typeof named === "string" ? named : error.code;
}

function isErrorCode(word: string): word is ErrorCode {
  return Object.hasOwn(ERROR_CODES, word);
}
