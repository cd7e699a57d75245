import type { LaunchFacts } from "./launch-facts.ts";

/** Keys of the tags by which a release knows its own. The first six are the predecessor's. */
export const RELEASE_TAGS = {
  project: "ProjectName",
  config: "ConfigName",
  service: "ServiceName",
  releaseId: "ReleaseID",
  uuid: "ReleaseUUID",
  name: "Name",
  /** Grows with each release of the project-config: who comes late is known by it. */
  fencingToken: "stackyard:fencing-token",
  actor: "stackyard:actor",
  revision: "stackyard:revision",
  /** The release that this one replaces. */
  previousRelease: "stackyard:previous-release",
  /** Since when a group is kept for a rollback. */
  retiredAt: "stackyard:retired-at",
} as const;

/** EC2 user guide, "Tag restrictions". */
const MAX_VALUE_CHARS = 256;
/** What every service takes in a value besides letters, digits and spaces of any script (the same page). */
const NOT_TAKEN = /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu;

/** Auto Scaling user guide, "Tag restrictions": of one group. */
const MAX_TAGS = 50;

/**
 * The tags of everything that a release makes for a service: the service's own, then those of the deployer, which win. Those that
 * only tell something are left out where a service's own leave no room.
 */
export function toReleaseTags(facts: Omit<LaunchFacts, "resources">): Readonly<Record<string, string>> {
  const { release, service, state } = facts;
  const needed: Readonly<Record<string, string>> = {
    ...service.tags,
    [RELEASE_TAGS.project]: release.project_name,
    [RELEASE_TAGS.config]: release.config_name,
    [RELEASE_TAGS.service]: service.service_name,
    [RELEASE_TAGS.releaseId]: release.release_id,
    [RELEASE_TAGS.uuid]: state.uuid,
    [RELEASE_TAGS.name]: toName(facts),
  };
  const keys = new Set(Object.keys(needed));
  const telling = toTelling(facts).filter(([key]) => keys.has(key) || keys.add(key).size <= MAX_TAGS);
  return { ...needed, ...Object.fromEntries(telling) };
}

/** The most important first. */
function toTelling({ state, actor }: Omit<LaunchFacts, "resources">): readonly (readonly [string, string])[] {
  const tags = [
    [RELEASE_TAGS.fencingToken, state.fencing_token],
    [RELEASE_TAGS.previousRelease, state.previous_release_id],
    [RELEASE_TAGS.actor, actor?.name && toValue(actor.name)],
    [RELEASE_TAGS.revision, actor?.revision && toValue(actor.revision)],
  ] as const;
  return tags.flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)] as const]));
}

/** The same tags as EC2 and CloudWatch take them. */
export function toTagList(tags: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

function toName({ constants, release, service, serviceId }: Omit<LaunchFacts, "resources">): string {
  if (constants.generation === "odin") return serviceId;
  return [release.project_name, release.config_name, service.service_name, release.release_id].join("-");
}

function toValue(text: string): string {
  return text.replace(NOT_TAKEN, "_").slice(0, MAX_VALUE_CHARS);
}
