import type { LaunchScript, SimGroup } from "./sim-group.ts";

/** Groups by the beginning of their name, or by tags that all have to be there. */
export type GroupMatch = string | { readonly tags: Readonly<Record<string, string>> };

/** Scripts for the launches of some groups. */
export interface ScriptEntry {
  readonly match: GroupMatch;
  /** One a launch, in order; the last one stays. */
  readonly left: LaunchScript[];
}

/** Takes the script of the next launch: the last one set comes first. */
export function takeScript(entries: readonly ScriptEntry[], group: SimGroup): LaunchScript {
  const left = entries.findLast(({ match }) => fits(match, group))?.left ?? [];
  return (left.length > 1 ? left.shift() : left[0]) ?? {};
}

function fits(match: GroupMatch, { name, tags }: SimGroup): boolean {
  if (typeof match === "string") return name.startsWith(match);
  return Object.entries(match.tags).every(([key, value]) => tags.some((tag) => tag.key === key && tag.value === value));
}
