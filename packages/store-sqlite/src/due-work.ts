import type { DueItem, TakeDueInput } from "@stackyard/core/engine";
import { type DueSource, findNextDueAt, takeFrom } from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import type { DueKind } from "./port-types.ts";
import type { StoreState } from "./store-state.ts";

/** Takes what is due, oldest first over all kinds, and leases it in memory; nothing is written. */
export function takeDue(state: StoreState, input: TakeDueInput): readonly DueItem[] {
  const { now, leaseMs, limit } = input;
  state.dueLeases.dropEnded(now);
  const sources = [...new Set(input.kinds)].map((kind) => openSource(state, kind, limit));
  return takeFrom(sources, state.beginTake({ now, leaseMs }), limit);
}

/** The earliest instant at which something of these kinds may be due. */
export function nextDueAt(state: StoreState, kinds: readonly DueKind[]): number | undefined {
  return findNextDueAt(kinds.map((kind) => openSource(state, kind, 1)));
}

function openSource(state: StoreState, kind: DueKind, limit: number): DueSource {
  if (kind === "event") return state.events.openSource(limit);
  if (kind === "timer" || kind === "parked") return openStackSource(state, kind, limit);
  return state.attempts.toDueSource(kind);
}

/** Something of a stack that time makes due. An index of its table finds it. */
interface DueRow {
  /** Names this work at this instant: a lease on it means nothing for a later one. */
  readonly key: string;
  readonly stackId: string;
  readonly dueAt: number;
}

const DUE_ROWS = { timer: readTimers, parked: readParked };

function openStackSource({ database, dueLeases }: StoreState, kind: "timer" | "parked", limit: number): DueSource {
  let rows: readonly DueRow[] | undefined;
  let next = 0;
  const peek = (now: number): DueRow | undefined => {
    rows ??= DUE_ROWS[kind](database, now, limit + dueLeases.size).filter(
      ({ key }) => dueLeases.findUntil(key, now) === undefined,
    );
    return rows[next];
  };
  return {
    findDueAt: ({ now }) => peek(now)?.dueAt,
    takeOne({ now, leaseMs }) {
      const row = peek(now);
      next += 1;
      if (row === undefined) return undefined;
      dueLeases.lease(row.key, now + leaseMs);
      return { kind, stackId: row.stackId, dueAt: row.dueAt };
    },
    nextDueAt() {
      let earliest: number | undefined;
      for (const { key, dueAt } of DUE_ROWS[kind](database, Number.MAX_SAFE_INTEGER, dueLeases.size + 1)) {
        const until = dueLeases.findUntil(key, Number.NEGATIVE_INFINITY);
        earliest = Math.min(earliest ?? Number.POSITIVE_INFINITY, until ?? dueAt);
        // Rows come oldest first: behind one that is not leased, none is due earlier.
        if (until === undefined) return earliest;
      }
      return earliest;
    },
  };
}

interface DueStackRow {
  readonly stack_id: string;
  readonly due_at: number;
}

function readTimers(database: Database, until: number, limit: number): readonly DueRow[] {
  return database
    .all<DueStackRow & { version: number }>(
      "select stack_id, version, timer_at as due_at from stack where timer_at <= ? order by timer_at limit ?",
      until,
      limit,
    )
    .map(({ stack_id: stackId, version, due_at: dueAt }) => ({
      // A later record may have another timer of the same instant.
      key: `timer:${dueAt}:${version}:${stackId}`,
      stackId,
      dueAt,
    }));
}

function readParked(database: Database, until: number, limit: number): readonly DueRow[] {
  return database
    .all<DueStackRow>(
      "select stack_id, next_try_at as due_at from parked where next_try_at <= ? order by next_try_at limit ?",
      until,
      limit,
    )
    .filter(isFirstOfStack())
    .map(({ stack_id: stackId, due_at: dueAt }) => ({ key: `parked:${dueAt}:${stackId}`, stackId, dueAt }));
}

function isFirstOfStack(): (row: DueStackRow) => boolean {
  const seen = new Set<string>();
  return ({ stack_id }) => !seen.has(stack_id) && seen.add(stack_id) !== undefined;
}
