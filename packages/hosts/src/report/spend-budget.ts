import { isMap } from "@stackyard/core";

/** What an installation has sent lately, by spans of ten seconds. Kept as a record. */
export interface Budget {
  readonly comments: readonly SpentSpan[];
  readonly writes: readonly SpentSpan[];
}

/** How many requests began in a span: the span's number since 1970, and the count. */
export type SpentSpan = readonly [span: number, count: number];

/** What is going to be sent. */
export interface Spending {
  /** Requests that GitHub counts as the creation of content. They count as writes too. */
  readonly comments: number;
  readonly writes: number;
  /** Above half of a limit only what is urgent is sent: checks, first comments, answers and end states. */
  readonly isUrgent: boolean;
}

/** An installation that has sent nothing. */
export const NO_BUDGET: Budget = { comments: [], writes: [] };

interface Limit {
  readonly of: "comments" | "writes";
  readonly count: number;
  readonly spans: number;
}

const SPAN_MS = 10_000;
/**
 * GitHub allows 80 requests a minute that create content and 500 an hour, and 900 points a minute, of which a write takes 5.
 * Source: "Rate limits for the REST API", GitHub Docs. The rest is for look-ups and for other programs with the same App.
 */
const LIMITS: readonly Limit[] = [
  { of: "comments", count: 60, spans: 6 },
  { of: "comments", count: 450, spans: 360 },
  { of: "writes", count: 150, spans: 6 },
];
const MOST_SPANS = 361;
/** The part of a limit that is not kept for what is urgent. */
const COMMON_PART = 0.5;

/** There is no room. */
export interface BudgetWait {
  readonly kind: "wait";
  /** When there is room for the first of those that wait. */
  readonly until: number;
  /** In the long run there is room for one more in such a time. */
  readonly everyMs: number;
}

/** Takes what is going to be sent out of the budget, or returns when to try again. */
export function spendBudget(
  budget: Budget,
  spending: Spending,
  now: number,
): { readonly kind: "spent"; readonly budget: Budget } | BudgetWait {
  const span = Math.floor(now / SPAN_MS);
  let free = span;
  let everyMs = 0;
  for (const limit of LIMITS) {
    const found = findFreeSpan(budget, spending, { limit, span });
    if (found <= free) continue;
    free = found;
    everyMs = (limit.spans * SPAN_MS) / (limit.count * (spending.isUrgent ? 1 : COMMON_PART));
  }
  if (free > span) return { kind: "wait", until: free * SPAN_MS, everyMs };
  const { comments, writes } = spending;
  return {
    kind: "spent",
    budget: { comments: addTo(budget.comments, span, comments), writes: addTo(budget.writes, span, comments + writes) },
  };
}

/** Returns the first span in which there is room; the present one: now. */
function findFreeSpan(
  budget: Budget,
  { comments, writes, isUrgent }: Spending,
  { limit, span }: { readonly limit: Limit; readonly span: number },
): number {
  const wanted = limit.of === "comments" ? comments : comments + writes;
  if (wanted === 0) return span;
  const most = isUrgent ? limit.count : limit.count * COMMON_PART;
  // Of a span in the past only its beginning is certain, so one more counts.
  const counted = budget[limit.of].filter(([each]) => each >= span - limit.spans);
  let spent = counted.reduce((sum, [, count]) => sum + count, 0);
  // What never fits is sent when nothing else was.
  for (const [each, count] of counted) {
    if (spent + wanted <= most) return span;
    spent -= count;
    if (spent + wanted <= most || spent === 0) return each + limit.spans + 1;
  }
  return span;
}

function addTo(spans: readonly SpentSpan[], span: number, count: number): readonly SpentSpan[] {
  if (count === 0) return spans;
  const kept = spans.filter(([each]) => each > span - MOST_SPANS && each !== span);
  const before = spans.find(([each]) => each === span)?.[1] ?? 0;
  return [...kept, [span, before + count]];
}

/** Reads what is stored as a budget. */
export function toBudget(value: unknown): Budget {
  return isBudget(value) ? value : NO_BUDGET;
}

/** Nothing else is stored under its key, so a look is enough. */
function isBudget(value: unknown): value is Budget {
  return isMap(value) && Array.isArray(value["comments"]) && Array.isArray(value["writes"]);
}
