import { toAttemptDue } from "@stackyard/core/attempt";
import type { DueItem, TakeDueInput } from "@stackyard/core/engine";
import { type Aggregate, findEarliest } from "./aggregate.ts";
import { findOpen, putAttempt } from "./attempt-moves.ts";
import { type AttemptRow, afterHidden, findReturn, toDeadline } from "./attempt-row.ts";
import { type LaneEvent, listVisible, toTaskReceipt } from "./lane.ts";
import type { DueKind } from "./port-types.ts";

interface Place {
  readonly stackId: string;
  readonly at: number;
  /** Among what is due at the same instant. */
  readonly order: number;
}

/** Something of a stack that is due, in its order among all other work. */
export type DueWork =
  | (Place & { readonly kind: "event"; readonly event: LaneEvent })
  | (Place & { readonly kind: "task" | "poll" | "lapsedLease" | "deadline"; readonly row: AttemptRow })
  | (Place & { readonly kind: "timer" })
  | (Place & { readonly kind: "parked" });

/** What is due of a stack, as its item says. Pure. */
export function listDue(
  stackId: string,
  aggregate: Aggregate,
  { kinds, now }: Pick<TakeDueInput, "kinds" | "now">,
): readonly DueWork[] {
  const events = kinds.includes("event") ? listDueEvents(stackId, aggregate, now) : [];
  const attempts = aggregate.attempts.flatMap((row) => listDueOf(stackId, row, { kinds, now }));
  const ofStack = (["timer", "parked"] as const).flatMap((kind) => {
    const at = kinds.includes(kind) ? findStackDue(aggregate, kind, now) : undefined;
    return at === undefined ? [] : [{ stackId, kind, at, order: 0 }];
  });
  return [...events, ...attempts, ...ofStack];
}

/** An event is never due before the one before it. */
function listDueEvents(stackId: string, aggregate: Aggregate, now: number): readonly DueWork[] {
  let at = 0;
  let order = 0;
  return listVisible(aggregate, now).map((event) => {
    at = Math.max(at, event.dueAt);
    order = Math.max(order + 1, event.no);
    return { stackId, kind: "event", event, at, order };
  });
}

function listDueOf(
  stackId: string,
  row: AttemptRow,
  { kinds, now }: { readonly kinds: readonly DueKind[]; readonly now: number },
): readonly DueWork[] {
  const { sent, sequence: order } = row;
  const deadline = toDeadline(row);
  const returned = findReturn(row);
  const isDue = (kind: DueKind, at: number | undefined) => kinds.includes(kind) && at !== undefined && at <= now;
  return [
    ...(sent !== undefined && isDue("task", sent.visibleAt)
      ? [{ stackId, kind: "task" as const, row, at: sent.dueAt, order }]
      : []),
    ...(deadline !== undefined && isDue("deadline", deadline.visibleAt)
      ? [{ stackId, kind: "deadline" as const, row, at: deadline.at, order }]
      : []),
    ...(returned !== undefined && isDue(returned.kind, returned.visibleAt)
      ? [{ stackId, kind: returned.kind, row, at: returned.at, order }]
      : []),
  ];
}

function findStackDue(aggregate: Aggregate, kind: "timer" | "parked", now: number): number | undefined {
  const { stack, parked, timerHidden, parkedHidden } = aggregate;
  const instants =
    kind === "timer" ? (stack?.timers ?? []).map(({ dueAt }) => dueAt) : parked.map(({ nextTryAt }) => nextTryAt);
  const at = findEarliest(instants);
  const hidden = kind === "timer" ? timerHidden : parkedHidden;
  return at !== undefined && afterHidden(at, hidden) <= now ? at : undefined;
}

/** The aggregate with that work handed out until then. Pure. */
export function hideWork(aggregate: Aggregate, work: DueWork, until: number): Aggregate {
  if (work.kind === "timer") return { ...aggregate, timerHidden: { at: work.at, until } };
  if (work.kind === "parked") return { ...aggregate, parkedHidden: { at: work.at, until } };
  if (work.kind === "event") {
    const events = aggregate.events.map((event) => {
      if (event.no !== work.event.no) return event;
      return { ...event, visibleAt: until, deliveries: event.deliveries + 1 };
    });
    return { ...aggregate, events };
  }
  const row = findOpen(aggregate, work.row.attemptId);
  return row === undefined ? aggregate : putAttempt(aggregate, hideAttempt(row, work, until));
}

function hideAttempt(row: AttemptRow, { kind, at }: Pick<DueWork, "kind" | "at">, until: number): AttemptRow {
  if (kind === "deadline") return { ...row, deadlineHidden: { at, until } };
  if (kind !== "task") return { ...row, hidden: { at, until } };
  const { sent } = row;
  return sent === undefined ? row : { ...row, sent: { ...sent, visibleAt: until, deliveries: sent.deliveries + 1 } };
}

/** Work of an attempt or a stack as it is handed out. Pure. */
export function toDueItem(work: Exclude<DueWork, { readonly kind: "event" }>): DueItem {
  const { stackId, at: dueAt } = work;
  if (work.kind === "timer" || work.kind === "parked") return { kind: work.kind, stackId, dueAt };
  const { kind, row } = work;
  const { attemptId, message, sent, task } = row;
  if (kind === "deadline") {
    return { kind, stackId, attemptId, task, why: toAttemptDue(row).deadline?.why ?? "deadline", dueAt };
  }
  if (kind !== "task") return { kind, receipt: `${kind}:${attemptId}`, attemptId, message, dueAt };
  const receipt = toTaskReceipt(attemptId, sent?.no ?? 0);
  return { kind, receipt, attemptId, message, deliveries: (sent?.deliveries ?? 0) + 1 };
}
