import { formatNames } from "@stackyard/core";
import type { BulkPlan } from "@stackyard/sdk";

const NAMED = 5;

/** Returns how a dry run differs from the one that was shown before: `pr-4 came, and pr-1 went. Read it again.` */
export function formatBulkChange(before: BulkPlan | undefined, now: BulkPlan | undefined): string {
  const [old, present] = [before?.ids ?? [], now?.ids ?? []];
  const came = without(present, old);
  const went = without(old, present);
  const parts = [
    ...(came.length === 0 ? [] : [`${formatNames(came, NAMED)} came`]),
    ...(went.length === 0 ? [] : [`${formatNames(went, NAMED)} went`]),
  ];
  const what = parts.length === 0 ? "what would be done is another" : parts.join(", and ");
  return `Nothing was done. Since the dry run, ${what}. Read the new one above, and confirm again.`;
}

function without(ids: readonly string[], others: readonly string[]): readonly string[] {
  const known = new Set(others);
  return ids.filter((id) => !known.has(id));
}
