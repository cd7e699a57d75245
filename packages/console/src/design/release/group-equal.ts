import type { PlannedStack } from "@stackyard/sdk";

/** Stacks of a plan to which the same would happen; at least one. */
export type EqualStacks = readonly [PlannedStack, ...PlannedStack[]];

/** So many equal stacks are one row. */
const LEAST = 2;

/**
 * Returns the stacks of a plan, those first that would lose resources, then those that would fail, else in their order. Those of
 * one task to which the same would happen are one group, in the place of its first. What is on its way, has changed since, or
 * lacks something stays alone.
 */
export function groupEqual(stacks: readonly PlannedStack[]): readonly EqualStacks[] {
  return group(stacks).toSorted(([left], [right]) => toRank(left) - toRank(right));
}

function toRank({ changes, does }: PlannedStack): number {
  if (changes !== undefined && changes.destroys > 0) return 0;
  return does === "fails" ? 1 : 2;
}

function group(stacks: readonly PlannedStack[]): readonly EqualStacks[] {
  const groups = Map.groupBy(stacks, toContent);
  const seen = new Set<string>();
  return stacks.flatMap((stack): readonly EqualStacks[] => {
    const content = toContent(stack);
    const [first, ...others] = groups.get(content) ?? [];
    if (first === undefined || others.length + 1 < LEAST || !isPlain(stack)) return [[stack]];
    if (seen.has(content)) return [];
    seen.add(content);
    return [[first, ...others]];
  });
}

function isPlain({ progress, changed, parked, code }: PlannedStack): boolean {
  return progress === undefined && !changed && parked.length === 0 && code === undefined;
}

function toContent(stack: PlannedStack): string {
  const { stackId: _, wave: __, incarnation: ___, ...content } = stack;
  return JSON.stringify(content);
}
