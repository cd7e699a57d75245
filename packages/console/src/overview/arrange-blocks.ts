import type { MainCondition } from "@stackyard/sdk";
import { type ConditionCounts, sumOf } from "../api/use-main-conditions.ts";
import { CONDITIONS } from "../design/mark.tsx";

/** Returns the conditions of blocks, worst first. A block of several stacks shows the worst of them. */
export function toBlocks(counts: ConditionCounts, perBlock: number): readonly MainCondition[] {
  const stacks = CONDITIONS.flatMap((condition) => Array.from({ length: sumOf(counts, condition) }, () => condition));
  return stacks.filter((_, index) => index % perBlock === 0);
}

/** Rows of a drawing: few, so that a wide page shows many machines next to each other. */
const ROWS = 7;

/** Returns how blocks stand: column by column. */
export function arrangeBlocks(count: number): { readonly columns: number; readonly rows: number } {
  const rows = Math.max(1, Math.min(ROWS, count));
  return { rows, columns: Math.max(1, Math.ceil(count / rows)) };
}
