import { RELEASE_TAGS } from "../launch/release-tags.ts";
import { findReleaseId, type GroupFacts, type SortedGroups } from "../resources/sort-groups.ts";
import { type FormerService, parseFormerTags, RETIRED_TAGS, type TrafficPlace } from "../retire/retired-tags.ts";

/** A group that comes back, with what it had. */
export interface KeptGroup extends FormerService {
  readonly name: string;
}

/** How a project-config can go one step back. */
export type RollbackRoute =
  /** The groups from before still run. */
  | {
      readonly kind: "return";
      readonly releaseId: string;
      readonly previousReleaseId: string;
      readonly kept: readonly KeptGroup[];
      readonly left: readonly string[];
    }
  /** Only their document is left. */
  | { readonly kind: "redeploy"; readonly releaseId: string; readonly previousReleaseId: string }
  | { readonly kind: "refused"; readonly message: string };

/** What is known where a rollback begins. */
export interface RollbackFacts {
  /** All groups of the project-config, sorted for somebody who has made none of them. */
  readonly groups: Pick<SortedGroups<GroupFacts>, "old" | "retired">;
  /** The release to be left; default: the one that runs. */
  readonly releaseId: string | undefined;
  readonly place: TrafficPlace;
}

/** Decides from the tags of the groups which release is left, and what is there to go back to. */
export function findRollback({ groups, releaseId, place }: RollbackFacts): RollbackRoute {
  const running = [...new Set(groups.old.flatMap((group) => findReleaseId(group) ?? []))];
  if (releaseId === undefined && running.length > 1) {
    return refused(`Groups of several releases stand: ${running.join(", ")}. Say which release is to be left.`);
  }
  const from = releaseId ?? running[0];
  if (from === undefined) return refused("No release runs: there is nothing to be left.");
  const left = groups.old.filter((group) => findReleaseId(group) === from);
  const kept = groups.retired.filter(({ tags }) => tags[RETIRED_TAGS.by] === from);
  if (kept.length > 0) return toReturn(from, kept, left, place);
  if (left.length === 0) return refused(`Release "${from}" has no groups, and none were kept for it.`);
  const previous = left.flatMap(({ tags }) => tags[RELEASE_TAGS.previousRelease] ?? [])[0];
  if (previous !== undefined) return { kind: "redeploy", releaseId: from, previousReleaseId: previous };
  return refused(`Release "${from}" does not say which one was before it. Deploy the document that is wanted.`);
}

function toReturn(
  releaseId: string,
  kept: readonly GroupFacts[],
  left: readonly GroupFacts[],
  place: TrafficPlace,
): RollbackRoute {
  const previous = [...new Set(kept.flatMap((group) => findReleaseId(group) ?? []))];
  const [previousReleaseId] = previous;
  if (previousReleaseId === undefined || previous.length > 1) {
    return refused(`The kept groups are not of one release: ${kept.map(({ name }) => name).join(", ")}.`);
  }
  const returning = kept.flatMap((group) => toKept(group, place) ?? []);
  const spoilt = kept.filter(({ name }) => !returning.some((each) => each.name === name));
  if (spoilt.length > 0) {
    const names = spoilt.map(({ name }) => `"${name}"`).join(", ");
    return refused(`The tags of ${names} do not say how it served. Deploy the document of "${previousReleaseId}".`);
  }
  const names = left.map(({ name }) => name);
  return { kind: "return", releaseId, previousReleaseId, kept: returning, left: names };
}

/** `undefined` where its tags do not say. */
function toKept({ name, tags }: GroupFacts, place: TrafficPlace): KeptGroup | undefined {
  const former = parseFormerTags(tags, place);
  return former && { name, ...former };
}

function refused(message: string): RollbackRoute {
  return { kind: "refused", message };
}
