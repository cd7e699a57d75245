import type { ExpressionUses } from "./expression-place.ts";

/** What several expressions read together. */
export function mergeUses(uses: readonly ExpressionUses[]): ExpressionUses {
  return {
    variables: new Set(uses.flatMap(({ variables }) => [...variables])),
    metadata: mergeNames(uses.map(({ metadata }) => metadata)),
    eventMetadata: mergeNames(uses.map(({ eventMetadata }) => eventMetadata)),
    tasks: mergeNames(uses.map(({ tasks }) => tasks)),
  };
}

function mergeNames(all: readonly (ReadonlySet<string> | "all")[]): ReadonlySet<string> | "all" {
  const names = new Set<string>();
  for (const some of all) {
    if (some === "all") return "all";
    for (const name of some) names.add(name);
  }
  return names;
}
