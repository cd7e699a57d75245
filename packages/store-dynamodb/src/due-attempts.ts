import { toAttemptDue } from "@stackyard/core/attempt";
import type { DueItem, TakeDueInput } from "@stackyard/core/engine";
import { ATTEMPTS, type AttemptRow, afterHidden, findReturn } from "./attempt-row.ts";
import { findDueKeys } from "./find-due-keys.ts";
import { inParallel } from "./in-parallel.ts";
import { toTaskReceipt } from "./lane-row.ts";
import { loadRowAt, mutateRow } from "./mutate-row.ts";
import type { StoreContext } from "./store-context.ts";

/** What may be due of an attempt. */
export type AttemptKind = "task" | "poll" | "lapsedLease" | "deadline";

/** An attempt of which something is due. */
export interface DueAttempt {
  readonly kind: AttemptKind;
  readonly row: AttemptRow;
  readonly at: number;
  readonly order: number;
}

/** Attempts that are due as those kinds, as their items say. */
export async function findDueAttempts(
  context: StoreContext,
  kinds: readonly AttemptKind[],
  { now, limit }: Pick<TakeDueInput, "now" | "limit">,
): Promise<readonly DueAttempt[]> {
  const worked = kinds.filter((kind) => kind !== "deadline");
  const swept = kinds.filter((kind) => kind === "deadline");
  const [returned, passed] = await Promise.all([
    findDueKeys<AttemptKind>(context, "work", worked, { now, limit }),
    findDueKeys<AttemptKind>(context, "sweep", swept, { now, limit }),
  ]);
  const keys = [...returned.slice(0, 2 * limit), ...passed.slice(0, 2 * limit)];
  const due = await inParallel(keys, async ({ kind, key }) => {
    const row = await loadRowAt<AttemptRow>(context, key);
    const at = row === undefined ? undefined : findDueAt(row, kind, now);
    return row === undefined || at === undefined ? [] : [{ kind, row, at, order: row.sequence }];
  });
  return due.flat();
}

/** When it became due, if it is. Pure. */
function findDueAt(row: AttemptRow, kind: AttemptKind, now: number): number | undefined {
  const { sent } = row;
  if (kind === "task") return sent !== undefined && sent.visibleAt <= now ? sent.dueAt : undefined;
  if (kind === "deadline") {
    const at = toAttemptDue(row).deadline?.at;
    return at !== undefined && afterHidden(at, row.deadlineHidden) <= now ? at : undefined;
  }
  const due = findReturn(row);
  return due?.kind === kind && afterHidden(due.at, row.hidden) <= now ? due.at : undefined;
}

/** Marks chosen attempts; one that is not due any more is left out. */
export async function takeAttempts(context: StoreContext, chosen: readonly DueAttempt[], input: TakeDueInput) {
  const taken = await inParallel(chosen, async ({ kind, row, at, order }) => {
    const item = await take(context, kind, row, input);
    return item === undefined ? [] : [{ at, order, item }];
  });
  return taken.flat();
}

async function take(context: StoreContext, kind: AttemptKind, seen: AttemptRow, { now, leaseMs }: TakeDueInput) {
  const until = now + leaseMs;
  return mutateRow<AttemptRow, DueItem | undefined>(
    context,
    ATTEMPTS,
    seen.attemptId,
    (row) => {
      const at = row === undefined ? undefined : findDueAt(row, kind, now);
      if (row === undefined || at === undefined) return { result: undefined };
      return { write: hide(row, kind, { at, until }), result: toDueItem(row, kind, at) };
    },
    seen,
  );
}

function hide(row: AttemptRow, kind: AttemptKind, hidden: { readonly at: number; readonly until: number }): AttemptRow {
  if (kind === "deadline") return { ...row, deadlineHidden: hidden };
  if (kind !== "task") return { ...row, hidden };
  const { sent } = row;
  if (sent === undefined) return row;
  return { ...row, sent: { ...sent, visibleAt: hidden.until, deliveries: sent.deliveries + 1 } };
}

function toDueItem(row: AttemptRow, kind: AttemptKind, dueAt: number): DueItem {
  const { attemptId, message, sent, stackId, task } = row;
  if (kind === "deadline") {
    return { kind, stackId, attemptId, task, why: toAttemptDue(row).deadline?.why ?? "deadline", dueAt };
  }
  if (kind !== "task") return { kind, receipt: `${kind}:${attemptId}`, attemptId, message, dueAt };
  const receipt = toTaskReceipt(attemptId, sent?.no ?? 0);
  return { kind, receipt, attemptId, message, deliveries: (sent?.deliveries ?? 0) + 1 };
}
