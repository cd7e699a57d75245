import { RELEASE_TAGS } from "../launch/release-tags.ts";
import { toTemplateName } from "../launch/template-name.ts";
import { findReleaseId, type GroupFacts } from "../resources/sort-groups.ts";
import { RETIRED_TAGS } from "../retire/retired-tags.ts";
import type { LeftOver } from "./left-over.ts";

/** A group, and whether load balancers send it traffic. */
export interface StandingGroup extends GroupFacts {
  readonly attached: boolean;
}

/** A thing by its name, with the tags of the release that made it. */
export interface TaggedThing {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** All that was found of a project-config. */
export interface RepairFacts {
  readonly groups: readonly StandingGroup[];
  readonly templates: readonly TaggedThing[];
  /** Names that are made as this project-config's. */
  readonly launchConfigurations: readonly string[];
  readonly alarms: readonly string[];
  readonly placementGroups: readonly TaggedThing[];
}

/** Whose things are none. */
export interface RepairOptions {
  /** Epoch ms. */
  readonly now: number;
  /** Ids of releases that are being made. */
  readonly running: readonly string[];
  /** Ids of releases that are to stay, where that is not plain from the traffic. */
  readonly keep?: readonly string[];
}

/**
 * Judges what is left over, and why. A project-config is served by the groups of one release. Where there are groups of several, the
 * one with traffic stays: a failed release has lost its traffic first, and so has one that was replaced. Where that does not tell,
 * nothing may be removed until somebody says which release is to stay.
 */
export function findLeftOvers(facts: RepairFacts, options: RepairOptions): readonly LeftOver[] {
  return [...findGroups(facts.groups, options), ...findThings(facts, options)];
}

function findGroups(groups: readonly StandingGroup[], options: RepairOptions): readonly LeftOver[] {
  const standing = groups.filter(({ status }) => !status).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const isRetired = ({ tags }: StandingGroup): boolean => tags[RETIRED_TAGS.at] !== undefined;
  const serving = standing.filter((group) => !isRetired(group));
  const winners = findWinners(serving, options);
  const judged = [
    ...standing.filter(isRetired).map((group) => judgeRetired(group, options)),
    ...serving.map((group) => judgeServing(group, winners, options)),
  ];
  return judged.flatMap((each) => each ?? []);
}

/** Ids of the releases that stay; `undefined`: it is not plain. */
function findWinners(
  serving: readonly StandingGroup[],
  { running, keep = [] }: RepairOptions,
): readonly string[] | undefined {
  const ids = (groups: readonly StandingGroup[]) => [...new Set(groups.flatMap((group) => findReleaseId(group) ?? []))];
  const settled = ids(serving).filter((id) => !running.includes(id));
  if (settled.length <= 1) return settled;
  const kept = settled.filter((id) => keep.includes(id));
  if (kept.length > 0) return kept;
  const attached = ids(serving.filter((group) => group.attached)).filter((id) => settled.includes(id));
  return attached.length === 1 ? attached : undefined;
}

function judgeRetired(group: StandingGroup, { now, running }: RepairOptions): LeftOver | undefined {
  const { [RETIRED_TAGS.until]: until = "", [RETIRED_TAGS.by]: by = "" } = group.tags;
  if (running.includes(by) || Date.parse(until) > now) return undefined;
  const when = until === "" ? "Nobody noted until when it was to be kept." : `It was to be kept until ${until}.`;
  return toGroup(group, `Release "${by}" has taken its place. ${when}`, true);
}

function judgeServing(
  group: StandingGroup,
  winners: readonly string[] | undefined,
  { running }: RepairOptions,
): LeftOver | undefined {
  const id = findReleaseId(group);
  if (id === undefined) {
    const why = `It has no tag ${RELEASE_TAGS.releaseId}, so that no release may delete it. Give it the tag, or delete it.`;
    return toGroup(group, why, false);
  }
  if (running.includes(id)) return undefined;
  if (winners === undefined) {
    const why = `Groups of several releases stand, and traffic does not tell which serves. Say which is to stay.`;
    return toGroup(group, why, false);
  }
  if (!winners.includes(id)) {
    return toGroup(group, `Release "${winners.join('", "')}" serves, and this one is not running.`, true);
  }
  if (group.tags[RELEASE_TAGS.service]) return undefined;
  const why = `It has no tag ${RELEASE_TAGS.service}, so that every release is refused. Give it the tag, or delete it.`;
  return toGroup(group, why, false);
}

function toGroup(group: StandingGroup, why: string, removable: boolean): LeftOver {
  const releaseId = findReleaseId(group);
  const service = group.tags[RELEASE_TAGS.service];
  return {
    kind: "group",
    name: group.name,
    ...(releaseId && { releaseId }),
    ...(service && { service }),
    why,
    removable,
  };
}

function findThings(facts: RepairFacts, { running }: RepairOptions): readonly LeftOver[] {
  const names = facts.groups.map(({ name }) => name);
  const used = new Set(names.map(toTemplateName));
  const releases = new Set([...facts.groups.flatMap((group) => findReleaseId(group) ?? []), ...running]);
  const isRunning = ({ tags }: TaggedThing): boolean => running.includes(tags[RELEASE_TAGS.releaseId] ?? "");
  const templates = facts.templates.filter((each) => !used.has(each.name) && !isRunning(each));
  const placed = facts.placementGroups.filter(({ tags }) => {
    const releaseId = tags[RELEASE_TAGS.releaseId];
    return releaseId !== undefined && !releases.has(releaseId);
  });
  const configurations = facts.launchConfigurations.filter((name) => !names.includes(name));
  const alarms = facts.alarms.filter((alarm) => !names.some((name) => alarm.startsWith(`${name}-`)));
  // Those of a release that is being made may come before their group does.
  const isQuiet = running.length === 0;
  return [
    ...templates.map((each) => toThing("template", each, "There is no group that it was made for.")),
    ...configurations.map((name) => toThing("launch-configuration", { name, tags: {} }, "No group uses it.")),
    ...(isQuiet ? alarms : []).map((name) =>
      toThing("alarm", { name, tags: {} }, "The group that it watched is gone."),
    ),
    ...placed.map((each) => toThing("placement-group", each, "The release that made it has no group any more.")),
  ];
}

function toThing(kind: LeftOver["kind"], { name, tags }: TaggedThing, why: string): LeftOver {
  const { [RELEASE_TAGS.releaseId]: releaseId, [RELEASE_TAGS.service]: service } = tags;
  return { kind, name, ...(releaseId && { releaseId }), ...(service && { service }), why, removable: true };
}
