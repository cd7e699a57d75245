import { isStackyardError, StackyardError } from "@stackyard/core";

/** Codes that answers may have beside those of core. */
export type CallCode = "ACCOUNT_NOT_TRUSTED" | "BUCKET_FOREIGN" | "ARTIFACT_RETIRED";

/** A refusal whose code is one of artifacts: it stands in `details.problem.code`. */
export function refuse(code: CallCode, message: string): StackyardError {
  return new StackyardError("OUTCOME_NEGATIVE", message, { details: { problem: { code } } });
}

/** There is no such version, or the source holds it no more. */
export function unknownVersion({ name, version }: { readonly name: string; readonly version: string }): StackyardError {
  return new StackyardError("NOT_FOUND", `No version ${version} of ${name} is known.`);
}

/** Nobody has heard of this consumer. */
export function unknownConsumer({ account, region }: { readonly account: string; readonly region: string }) {
  return new StackyardError("NOT_FOUND", `No consumer in ${account} ${region} is known.`);
}

/** How an error travels. What is not ours is told by name only: its text may hold anything. */
export function toCallError(error: unknown): { readonly code: string; readonly message: string } {
  if (!isStackyardError(error)) {
    const name = error instanceof Error ? error.name : "unknown";
    return { code: "INTERNAL", message: `The distributor has failed (${name}). Its log tells more.` };
  }
  const problem = error.details["problem"];
  const code = typeof problem === "object" && problem !== null && "code" in problem ? problem.code : error.code;
  return { code: String(code), message: error.message };
}
