import type { Life, Operation, WorkKind } from "./operation.ts";

/** Everything that waits for its turn. */
export interface OperationQueue {
  /**
   * Of those that are ready the one with the lowest turn comes first, then the one that came first. What a life that is
   * over asks for is never taken.
   */
  add(operation: Operation, turn: number): () => void;
  /** Takes the next one that is ready before the end, now or later. */
  takeNext(now: number): { readonly operation: Operation; readonly at: number } | undefined;
  /** This life is over: forgets everything that it waits for, and what it is going to ask for. */
  discard(life: Life): void;
  /** There is work of that kind at that instant, or none; `always`: those who look for it look now. */
  noteDue(kind: WorkKind, dueAt: number | undefined, options: { readonly now: number; readonly always: boolean }): void;
}

interface Entry {
  readonly operation: Operation;
  readonly turn: number;
  readonly sequence: number;
  /** It looks for work whether there is some or not. */
  forced: boolean;
}

/** An empty queue; what is due after the end is never taken. */
export function createOperationQueue(endAt: number): OperationQueue {
  const entries = new Set<Entry>();
  const workAt: Partial<Record<WorkKind, number>> = {};
  let sequence = 0;

  function readyAtOf({ operation, forced }: Entry): number {
    const { readyAt, idle, life } = operation;
    const awakeAt = Math.max(readyAt, life?.frozenUntil ?? 0);
    if (idle === undefined || forced) return awakeAt;
    // By the clock of the process.
    return Math.max(awakeAt, (workAt[idle] ?? Number.POSITIVE_INFINITY) - (life?.skewMs ?? 0));
  }

  function findNext(now: number): { readonly entry: Entry; readonly at: number } | undefined {
    let next: Entry | undefined;
    let nextAt = endAt;
    for (const entry of entries) {
      const at = Math.max(now, readyAtOf(entry));
      if (at > nextAt || (at === nextAt && next !== undefined && !isBefore(entry, next))) continue;
      next = entry;
      nextAt = at;
    }
    return next && { entry: next, at: nextAt };
  }

  return {
    add(operation, turn) {
      if (operation.life?.isOver) return () => undefined;
      sequence += 1;
      const entry = { operation, turn, sequence, forced: false };
      entries.add(entry);
      return () => void entries.delete(entry);
    },
    takeNext(now) {
      const next = findNext(now);
      if (next === undefined) return undefined;
      entries.delete(next.entry);
      return { operation: next.entry.operation, at: next.at };
    },
    discard(life) {
      life.isOver = true;
      for (const entry of entries) if (entry.operation.life === life) entries.delete(entry);
    },
    noteDue(kind, dueAt, { now, always }) {
      if (dueAt === undefined) delete workAt[kind];
      else workAt[kind] = dueAt;
      // The sweep has no signals: it looks when its time has come.
      if (kind === "sweep" && !always) return;
      for (const entry of entries) if (entry.operation.idle === kind) wake(entry, now, always);
    },
  };
}

/** One that is delayed has missed the signal. */
function wake(entry: Entry, now: number, always: boolean): void {
  const { operation } = entry;
  if (operation.fault?.kind === "delay") return;
  operation.readyAt = Math.min(operation.readyAt, now);
  if (always) entry.forced = true;
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.turn < b.turn || (a.turn === b.turn && a.sequence < b.sequence);
}
