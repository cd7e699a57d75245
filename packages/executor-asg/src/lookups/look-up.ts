import { findAwsFault, toAwsError } from "@stackyard/aws";
import type { ReleaseDeps } from "../release-deps.ts";
import { toReleaseError } from "../to-release-error.ts";

/** Why a release cannot have what it asks for. */
export interface ResourceProblem {
  /** In kebab-case, such as `release-image-missing`. */
  readonly code: string;
  /** What is wrong, with what, and what to do. */
  readonly message: string;
  readonly cause?: unknown;
}

/** What a look-up gives: what it found, or why not. */
export type LookUp<Found> =
  | { readonly kind: "found"; readonly value: Found }
  | { readonly kind: "refused"; readonly problems: readonly ResourceProblem[] };

/** A look-up of one thing. */
export interface LookUpInput {
  /** The thing, such as `security groups "web"`: it stands after "Looking up". */
  readonly what: string;
  /** Names of the errors that say that it is not there, and the sentence that the release is refused with then. */
  readonly missing?: { readonly errors: readonly string[]; readonly problem: ResourceProblem };
}

/**
 * Looks something up. An answer of AWS about this one thing is a problem among others, so that all are told at once. What
 * concerns every call (credentials, an outage) is thrown as `BAD_RELEASE`: the next call would end so, too. An abort is no answer.
 */
export async function lookUp<Found>(
  deps: Pick<ReleaseDeps, "signal">,
  { what, missing }: LookUpInput,
  load: () => Promise<Found>,
): Promise<LookUp<Found>> {
  try {
    return { kind: "found", value: await load() };
  } catch (error) {
    const fault = findAwsFault(error);
    const name = fault.name ?? "";
    if (missing?.errors.includes(name)) return { kind: "refused", problems: [{ ...missing.problem, cause: error }] };
    const text = `Looking up ${what} failed.`;
    deps.signal.throwIfAborted();
    if (fault.kind !== "caller" && fault.code !== "FORBIDDEN") throw toReleaseError("BAD_RELEASE", error, text);
    const problem = { code: "release-look-up-failed", message: toAwsError(error, text).message, cause: error };
    return { kind: "refused", problems: [problem] };
  }
}
