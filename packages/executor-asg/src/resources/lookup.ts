import { DescribePlacementGroupsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { escapeFilterValue, findAwsFault, toAwsError } from "@stackyard/aws";
import { toReleaseError } from "../release-errors.ts";
import type { ReleaseDeps } from "../release-state.ts";
import { toTagMap } from "./load-groups.ts";

/** A problem with a resource of a release. */
export interface ResourceProblem {
  /** In kebab-case, such as `release-image-missing`. */
  readonly code: string;
  /** The fault, its place, and the remedy. */
  readonly message: string;
  readonly cause?: unknown;
}

/** Result of a lookup. */
export type Lookup<Found> =
  | { readonly kind: "found"; readonly value: Found }
  | { readonly kind: "refused"; readonly problems: readonly ResourceProblem[] };

/** Input of `lookup`. */
interface LookupInput {
  /** The object of the look-up, such as `security groups "web"`; completes the sentence "Looking up … failed." */
  readonly what: string;
  /** The problem to report when AWS says that the resource does not exist. */
  readonly missing?: ResourceProblem;
}

/** Of an id that no resource can have, and of an image that this account cannot see (EC2 API reference, "Error codes"). */
const NO_SUCH_ID = /^Invalid\w+\.(?:Malformed|Unavailable)$/;

/**
 * Looks up a resource. An AWS error about this resource is returned as a problem, so that all problems are reported
 * together. An error that would fail every call (credentials, an outage) throws `BAD_RELEASE`. An abort is rethrown.
 */
export async function lookup<Found>(
  deps: Pick<ReleaseDeps, "signal">,
  { what, missing }: LookupInput,
  load: () => Promise<Found>,
): Promise<Lookup<Found>> {
  try {
    return { kind: "found", value: await load() };
  } catch (error) {
    const fault = findAwsFault(error);
    const isMissing = fault.answer === "gone" || NO_SUCH_ID.test(fault.name ?? "");
    if (isMissing && missing !== undefined) return { kind: "refused", problems: [{ ...missing, cause: error }] };
    const text = `Looking up ${what} failed.`;
    deps.signal.throwIfAborted();
    const isOfAll = fault.answer === "passing" || fault.answer === "unknown" || fault.code === "UNAUTHENTICATED";
    if (isOfAll) throw toReleaseError("BAD_RELEASE", error, text);
    const problem = { code: "release-look-up-failed", message: toAwsError(error, text).message, cause: error };
    return { kind: "refused", problems: [problem] };
  }
}

/** Looks up a resource that must exist, as `lookup` does: an undefined result is the problem `missing`. */
export async function lookupExisting<Found>(
  deps: Pick<ReleaseDeps, "signal">,
  input: Required<LookupInput>,
  load: () => Promise<Found | undefined>,
): Promise<Lookup<Found>> {
  const found = await lookup(deps, input, load);
  if (found.kind === "refused") return found;
  if (found.value === undefined) return { kind: "refused", problems: [input.missing] };
  return { kind: "found", value: found.value };
}

/** Facts about a placement group. */
export interface PlacementGroupFacts {
  readonly state: string;
  readonly strategy: string;
  readonly partition_count?: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** Returns the placement group with this name, or undefined: then the release creates it. */
export async function findPlacementGroup(
  deps: ReleaseDeps,
  name: string,
): Promise<Lookup<PlacementGroupFacts | undefined>> {
  return lookup(deps, { what: `placement group "${name}"` }, async () => {
    const Filters = [{ Name: "group-name", Values: [escapeFilterValue(name)] }];
    const command = new DescribePlacementGroupsCommand({ Filters });
    const { PlacementGroups = [] } = await deps.target.client(EC2Client).send(command, { abortSignal: deps.signal });
    const group = PlacementGroups.find(({ GroupName }) => GroupName === name);
    if (group === undefined) return undefined;
    const { State = "", Strategy = "", PartitionCount } = group;
    const facts = { state: State, strategy: Strategy, tags: toTagMap(group.Tags) };
    return PartitionCount === undefined ? facts : { ...facts, partition_count: PartitionCount };
  });
}
