import { isStackyardError } from "@stackyard/core";

/** The code and message of an error, as commands show them. */
export interface DescribedError {
  readonly code: string;
  readonly message: string;
}

/** Describes an error for people. Of unknown errors only the name, because the message can contain anything. */
export function describeError(error: unknown): DescribedError {
  if (!isStackyardError(error)) {
    const name = error instanceof Error ? error.name : "unknown";
    return { code: "INTERNAL", message: `The distributor failed (${name}). See its log for details.` };
  }
  const problem = error.details["problem"];
  const code = typeof problem === "object" && problem !== null && "code" in problem ? problem.code : error.code;
  return { code: String(code), message: error.message };
}
