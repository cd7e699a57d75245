import type { ReleaseVersions } from "@stackyard/sdk";
import { toCell } from "@stackyard/sdk/commands";

type Version = ReleaseVersions["versions"][number];

/** Returns lines of which versions a release brings where, such as `api 1.41.0 to 1.42.0: production (1 stack), 14 commits`. */
export function formatVersions({ versions, more }: ReleaseVersions): readonly string[] {
  if (versions.length === 0) return [];
  return ["", ...versions.flatMap(formatVersion), ...(more > 0 ? [`Further versions: ${more}.`] : [])];
}

function formatVersion({ key, from, to, tasks, stacks, compareUrl, unknown, ...found }: Version): readonly string[] {
  const before = from === undefined ? "none" : toCell(String(from), 100);
  const where = `${tasks.join(", ")} (${stacks} ${stacks === 1 ? "stack" : "stacks"})`;
  const line = [`${key} ${before} to ${toCell(String(to), 100)}: ${where}`, ...countCommits(found)].join(", ");
  return [
    line,
    ...(unknown === undefined ? [] : [`  No commits: ${toCell(unknown, 1_000)}`]),
    ...(compareUrl === undefined ? [] : [`  Compare: ${toCell(compareUrl, 2_000)}`]),
  ];
}

function countCommits({ commits, isCut, dropped = 0 }: Pick<Version, "commits" | "isCut" | "dropped">) {
  if (commits === undefined) return [];
  const brought = commits.length === 1 ? "1 commit" : `${commits.length}${isCut ? "+" : ""} commits`;
  return [
    ...(commits.length === 0 && dropped > 0 ? [] : [brought]),
    ...(dropped > 0 ? [`${dropped} ${dropped === 1 ? "commit" : "commits"} removed`] : []),
  ];
}
