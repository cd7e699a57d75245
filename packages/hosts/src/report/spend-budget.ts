import { defineRecordKind } from "@stackyard/core/services";
import { Type } from "typebox";

/** The recent requests of an installation, by spans of ten seconds. Stored as a record. */
export interface Budget {
  readonly comments: readonly SpentSpan[];
  readonly writes: readonly SpentSpan[];
}

/** The number of requests that began in a span: the span's number since 1970, and the count. */
export type SpentSpan = readonly [span: number, count: number];

/** The planned requests. */
export interface Spending {
  /** Requests that GitHub counts as the creation of content. They count as writes too. */
  readonly comments: number;
  readonly writes: number;
  /** True for urgent requests: checks, first comments, answers and end states. Others may use half of a limit. */
  readonly isUrgent: boolean;
}

/** Budgets of installations, by host. Nothing else is written there, so a brief check is enough. */
export const budgets = defineRecordKind({
  prefix: "hooks/budgets/",
  value: Type.Unsafe<Budget>(Type.Object({ comments: Type.Array(Type.Unknown()), writes: Type.Array(Type.Unknown()) })),
  holds: "how many reports were written to a host",
  kept: "2 hours",
  damaged: "missing",
});

/** An installation without requests. */
export const NO_BUDGET: Budget = { comments: [], writes: [] };

interface Limit {
  readonly of: "comments" | "writes";
  readonly count: number;
  readonly spans: number;
}

const SPAN_MS = 10_000;
/**
 * GitHub allows 80 requests per minute that create content and 500 per hour, and 900 points per minute, of which a
 * write takes 5. Source: "Rate limits for the REST API", GitHub Docs. The rest is for lookups and for other programs
 * with the same App.
 */
const LIMITS: readonly Limit[] = [
  { of: "comments", count: 60, spans: 6 },
  { of: "comments", count: 450, spans: 360 },
  { of: "writes", count: 150, spans: 6 },
];
const MOST_SPANS = 361;
/** The part of a limit for requests that are not urgent. */
const COMMON_PART = 0.5;

/** The budget is exhausted. */
export interface BudgetWait {
  readonly kind: "wait";
  /** When there is capacity for the first waiting request. */
  readonly until: number;
  /** The average time until there is capacity for one more. */
  readonly everyMs: number;
}

/** Deducts the planned requests from the budget, or returns when to retry. */
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

/** Returns the first span with capacity, which may be the present one. */
function findFreeSpan(
  budget: Budget,
  { comments, writes, isUrgent }: Spending,
  { limit, span }: { readonly limit: Limit; readonly span: number },
): number {
  const wanted = limit.of === "comments" ? comments : comments + writes;
  if (wanted === 0) return span;
  const most = isUrgent ? limit.count : limit.count * COMMON_PART;
  // Only the start of a past span is certain, so one more span counts.
  const counted = budget[limit.of].filter(([each]) => each >= span - limit.spans);
  let spent = counted.reduce((sum, [, count]) => sum + count, 0);
  // A request above the limit is sent when nothing else was.
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
