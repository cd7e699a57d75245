import type { BulkPlan } from "@stackyard/sdk";

const NAMED = 5;

/** Returns how a dry run differs from the one that was shown before: `pr-4 came, and pr-1 went. Read it again.` */
export function formatBulkChange(before: BulkPlan | undefined, now: BulkPlan | undefined): string {
  const [old, present] = [before?.ids ?? [], now?.ids ?? []];
  const came = without(present, old);
  const went = without(old, present);
  const parts = [
    ...(came.length === 0 ? [] : [`${formatIds(came)} came`]),
    ...(went.length === 0 ? [] : [`${formatIds(went)} went`]),
  ];
  const what = parts.length === 0 ? "what would be done is another" : parts.join(", and ");
  return `Nothing was done. Since the dry run, ${what}. Read the new one above, and confirm again.`;
}

function without(ids: readonly string[], others: readonly string[]): readonly string[] {
  const known = new Set(others);
  return ids.filter((id) => !known.has(id));
}

function formatIds(ids: readonly string[]): string {
  const more = ids.length - NAMED;
  return `${ids.slice(0, NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
