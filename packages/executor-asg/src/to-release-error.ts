import { toAwsError } from "@stackyard/aws";
import { ReleaseError, type ReleaseFailureCode } from "./release-error.ts";

/**
 * What ended a call of AWS as the failure of a state: what was tried (a sentence), what AWS said, and what to do. A failure of a
 * state stays what it is. What could be repeated has been repeated by the client before.
 */
export function toReleaseError(code: ReleaseFailureCode, error: unknown, what: string, advice?: string): ReleaseError {
  if (error instanceof ReleaseError) return error;
  return new ReleaseError(code, toAwsError(error, what, advice).message, { cause: error });
}
