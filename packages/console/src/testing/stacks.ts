import type { Bulk, Cause, StackCounts, StackSummary } from "@stackyard/sdk";
import { JOB_MACHINE } from "../api/status.ts";

/** Returns a stack at rest, unless overridden. */
export function aStack(id: string, more: Partial<StackSummary> = {}): StackSummary {
  return {
    id,
    machine: "review-app",
    machineHash: "ab".repeat(32),
    state: "LIVE",
    previousState: "BUILD",
    metadata: {},
    createdAt: "2026-11-20T03:00:00Z",
    updatedAt: "2026-11-20T03:02:00Z",
    enteredAt: "2026-11-20T03:02:00Z",
    incarnation: "event-1",
    entry: 2,
    version: 4,
    tasks: [],
    ...more,
  };
}

/** Returns a stack with the failed task `database`. */
export function aFailedStack(id: string, more: Partial<StackSummary> = {}): StackSummary {
  const database = { name: "database", status: "ERROR", errorCode: "NO_ROOM", errorMessage: "no room" } as const;
  return aStack(id, { state: "BUILD", failed: true, tasks: [database], ...more });
}

/** Returns the stacks that a server lists for these parts of a query. */
export function listedOf(
  stacks: readonly StackSummary[],
  { needsPerson, mainCondition, jobs }: Readonly<Record<string, string>>,
): readonly StackSummary[] {
  return stacks.filter(
    (stack) =>
      (needsPerson === undefined || needsPerson === String(stack.needsPerson ?? false)) &&
      (mainCondition === undefined || mainCondition === stack.mainCondition) &&
      (jobs === undefined || jobs === String(stack.machine === JOB_MACHINE)),
  );
}

/** Returns the counts of stacks by their condition, and by their main one; the rest are healthy. */
export function conditionCounts(total: number, counts: Readonly<Record<string, number>> = {}): StackCounts {
  const names = ["failed", "degraded", "overdue", "stalled", "approval", "busy", "waiting", "asleep"] as const;
  const troubled = names.map((condition) => ({ condition, count: counts[condition] ?? 0 }));
  const main = names.map((mainCondition, index) => ({
    machine: "review-app",
    mainCondition,
    ...(index < 5 && { needsPerson: true }),
    count: counts[mainCondition] ?? 0,
  }));
  const rest = Math.max(0, total - main.reduce((sum, { count }) => sum + count, 0));
  return {
    total,
    groups: [...troubled, ...main, { machine: "review-app", mainCondition: "healthy", count: rest }],
  };
}

/** Returns the cause that `database` fails by, unless overridden. */
export function aCause(more: Partial<Cause> = {}): Cause {
  return {
    kind: "failed",
    task: "database",
    code: "NO_ROOM",
    count: 37,
    newestAt: "2026-11-20T03:12:00Z",
    sample: { stackId: "pr-12", message: "no room for another database" },
    ...more,
  };
}

/** Returns a bulk of one item that has just begun, unless overridden. */
export function aBulk(more: Partial<Bulk> = {}): Bulk {
  return {
    id: "b1",
    operation: "retry",
    filter: {},
    actor: "ada",
    status: "running",
    createdAt: "2026-11-20T03:00:00Z",
    total: 1,
    done: 0,
    counts: {},
    ...more,
  };
}

/** Returns whether the body of a bulk's request requests a dry run. */
export function isDryRun(body: unknown): boolean {
  return (body as { readonly dryRun?: boolean }).dryRun === true;
}

/** What outsiders may have written anywhere. */
export const HOSTILE = "<img src=x onerror=alert(1)>\u202e\u0000";

/** How a page shows it. */
export const SHOWN_HOSTILE = "<img src=x onerror=alert(1)>‹U+202E›‹U+0000›";

/** Returns a response that never comes. */
export const never = (): Promise<never> => new Promise(() => {});
