import { RELEASE_TAGS } from "../plan/names.ts";
import { findReleaseId, type GroupFacts, type SortedGroups } from "../resources/groups.ts";
import { type FormerService, parseFormerTags, RETIRED_TAGS, type TrafficPlace } from "./kept-group.ts";

/** A kept group that returns to service, with its former state. */
export interface KeptGroup extends FormerService {
  readonly name: string;
}

/** The way to roll back a project and config. */
export type RollbackRoute =
  /** The previous groups still exist. */
  | {
      readonly kind: "return";
      readonly releaseId: string;
      readonly previousReleaseId: string;
      readonly kept: readonly KeptGroup[];
      readonly left: readonly string[];
    }
  /** Only the previous document exists. */
  | { readonly kind: "redeploy"; readonly releaseId: string; readonly previousReleaseId: string }
  | { readonly kind: "refused"; readonly message: string };

/** Facts at the start of a rollback. */
interface RollbackFacts {
  /** All groups of the project and config, sorted as seen by a release without groups. */
  readonly groups: Pick<SortedGroups<GroupFacts>, "old" | "retired">;
  /** The release to roll back. Default: the one in service. */
  readonly releaseId: string | undefined;
  readonly place: TrafficPlace;
}

/** Decides from the tags of the groups which release is rolled back, and to what. */
export function findRollback({ groups, releaseId, place }: RollbackFacts): RollbackRoute {
  const running = [...new Set(groups.old.flatMap((group) => findReleaseId(group) ?? []))];
  if (releaseId === undefined && running.length > 1) {
    return refused(`Groups of several releases exist: ${running.join(", ")}. Pass the release to roll back.`);
  }
  const from = releaseId ?? running[0];
  if (from === undefined) return refused("No release is in service.");
  const left = groups.old.filter((group) => findReleaseId(group) === from);
  const kept = groups.retired.filter(({ tags }) => tags[RETIRED_TAGS.by] === from);
  if (kept.length > 0) return toReturn(from, kept, left, place);
  if (left.length === 0) return refused(`Release "${from}" has no groups, and none were kept for it.`);
  const previous = left.flatMap(({ tags }) => tags[RELEASE_TAGS.previousRelease] ?? [])[0];
  if (previous !== undefined) return { kind: "redeploy", releaseId: from, previousReleaseId: previous };
  return refused(`Release "${from}" has no record of the previous release. Deploy the document that you want.`);
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
    return refused(`The kept groups belong to several releases: ${kept.map(({ name }) => name).join(", ")}.`);
  }
  const returning = kept.flatMap((group) => toKept(group, place) ?? []);
  const spoilt = kept.filter(({ name }) => !returning.some((each) => each.name === name));
  if (spoilt.length > 0) {
    const names = spoilt.map(({ name }) => `"${name}"`).join(", ");
    return refused(
      `The tags of ${names} do not contain its former state. Deploy the document of "${previousReleaseId}".`,
    );
  }
  const names = left.map(({ name }) => name);
  return { kind: "return", releaseId, previousReleaseId, kept: returning, left: names };
}

/** Returns the kept group; undefined if its tags are missing. */
function toKept({ name, tags }: GroupFacts, place: TrafficPlace): KeptGroup | undefined {
  const former = parseFormerTags(tags, place);
  return former && { name, ...former };
}

function refused(message: string): RollbackRoute {
  return { kind: "refused", message };
}

/** Fields that make a document a new release. */
interface RedeploymentInput {
  readonly releaseId: string;
  /** Epoch ms. */
  readonly now: number;
}

/** Fields that a deployer may have written into a document. */
const WRITTEN = ["Task", "uuid", "started_at", "success", "healthy", "error", "release_sha256"];

/**
 * Returns the document of an earlier release as a new one: a release id can be used once, and an old `created_at` would
 * be rejected. Undefined if it is not a document.
 */
export function toRedeployment(
  document: unknown,
  { releaseId, now }: RedeploymentInput,
): Readonly<Record<string, unknown>> | undefined {
  if (typeof document !== "object" || document === null || Array.isArray(document)) return undefined;
  const kept = Object.entries(document).filter(([key]) => !WRITTEN.includes(key));
  return { ...Object.fromEntries(kept), release_id: releaseId, created_at: new Date(now).toISOString() };
}
