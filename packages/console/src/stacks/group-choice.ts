import type { StackSummary } from "@stackyard/sdk";
import { FACT_KEYS } from "../api/stack-facts.ts";

/** The grouping of the list of stacks: by a fact of the server, or by the values of a key of metadata. */
export type GroupChoice =
  | { readonly kind: "condition" | "machine" | "pull" }
  | { readonly kind: "metadata"; readonly key: string };

const METADATA = "metadata.";
const KINDS = ["condition", "machine", "pull"] as const;
const MOST_KEYS = 12;

/** Reads the group of an address: `condition`, `machine`, `pull` or `metadata.team`. Undefined: no groups. */
export function parseGroup(text: string | undefined): GroupChoice | undefined {
  const kind = KINDS.find((each) => each === text);
  if (kind !== undefined) return { kind };
  const key = text?.startsWith(METADATA) ? text.slice(METADATA.length) : "";
  return key === "" ? undefined : { kind: "metadata", key };
}

/** Returns the keys of metadata by which these stacks can be grouped: those that several have, the most frequent first. */
export function listGroupKeys(stacks: readonly Pick<StackSummary, "metadata">[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const key of stacks.flatMap(({ metadata }) => Object.keys(metadata))) {
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts]
    .filter(([key]) => !FACT_KEYS.has(key))
    .sort(([a, most], [b, other]) => other - most || (a < b ? -1 : 1))
    .slice(0, MOST_KEYS)
    .map(([key]) => key);
}

type Value = StackSummary["metadata"][string];

/** The values of a key, as far as stacks were read. */
export interface ValueGroups {
  /** The most frequent value first. `count`: of the stacks that were read. */
  readonly values: readonly { readonly value: Value; readonly count: number }[];
  /** The stacks without the key, of those that were read. */
  readonly without: readonly StackSummary[];
}

/** Groups stacks by the values of a key. */
export function groupByValue(key: string, stacks: readonly StackSummary[]): ValueGroups {
  const counts = new Map<Value, number>();
  const without: StackSummary[] = [];
  for (const stack of stacks) {
    const value = stack.metadata[key];
    if (value === undefined) without.push(stack);
    else counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const values = [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || (String(a.value) < String(b.value) ? -1 : 1));
  return { values, without };
}
