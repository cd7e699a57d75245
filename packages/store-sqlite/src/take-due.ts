import type { DueItem, TakeDueInput } from "@stackyard/core/engine";
import { DUE_WORK, type TimedKind } from "./due-work.ts";
import { readEventItem } from "./event-queue.ts";
import type { DueKind } from "./port-types.ts";
import type { StoreContext } from "./store-context.ts";
import { readTaskItem } from "./task-queue.ts";
import type { WindowRow } from "./window-row.ts";

/** One kind of due work while a take lasts. */
interface Source {
  /** When that became due which `take` would give. */
  findDueAt(): number | undefined;
  take(): DueItem | undefined;
  end(): void;
}

/** Takes what is due, oldest first over all kinds, and leases it in memory; nothing is written. */
export function takeDue(store: StoreContext, input: TakeDueInput): readonly DueItem[] {
  store.dueLeases.dropEnded(input.now);
  const sources = [...new Set(input.kinds)].map((kind) => openSource(store, kind, input));
  const items: DueItem[] = [];
  while (items.length < input.limit) {
    const oldest = findOldest(sources);
    if (oldest === undefined) break;
    const item = oldest.take();
    if (item !== undefined) items.push(item);
  }
  for (const source of sources) source.end();
  return items;
}

function findOldest(sources: readonly Source[]): Source | undefined {
  let oldest: Source | undefined;
  let oldestAt = Number.POSITIVE_INFINITY;
  for (const source of sources) {
    const dueAt = source.findDueAt();
    if (dueAt === undefined || dueAt >= oldestAt) continue;
    oldest = source;
    oldestAt = dueAt;
  }
  return oldest;
}

function openSource(store: StoreContext, kind: DueKind, input: TakeDueInput): Source {
  if (kind === "event") return openQueue(store, "events", input, (row) => readEventItem(store.database, row));
  if (kind === "task") return openQueue(store, "tasks", input, (row) => readTaskItem(store.database, row));
  return openTimed(store, kind, input);
}

function openQueue(
  store: StoreContext,
  queue: "events" | "tasks",
  { now, limit, leaseMs }: TakeDueInput,
  toItem: (row: WindowRow) => DueItem | undefined,
): Source {
  const take = store[queue].beginTake(now, limit, leaseMs);
  return {
    findDueAt() {
      const row = take.peek();
      return row === undefined ? undefined : Math.max(row.queuedAt, row.availableAt);
    },
    take() {
      const row = take.take();
      return row === undefined ? undefined : toItem(row);
    },
    end: take.end,
  };
}

function openTimed({ database, dueLeases }: StoreContext, kind: TimedKind, input: TakeDueInput): Source {
  const { now, limit, leaseMs } = input;
  const rows = DUE_WORK[kind](database, now, limit + dueLeases.size).filter(
    ({ key }) => dueLeases.findUntil(key, now) === undefined,
  );
  let next = 0;
  return {
    findDueAt: () => rows[next]?.dueAt,
    take() {
      const row = rows[next];
      next += 1;
      if (row === undefined) return undefined;
      dueLeases.lease(row.key, now + leaseMs);
      return row.toItem(database);
    },
    end() {},
  };
}

/** The earliest instant at which something of these kinds may be due. */
export function nextDueAt(store: StoreContext, kinds: readonly DueKind[]): number | undefined {
  const instants = kinds.map((kind) => nextOfKind(store, kind)).filter((at) => at !== undefined);
  return instants.length === 0 ? undefined : Math.min(...instants);
}

function nextOfKind(store: StoreContext, kind: DueKind): number | undefined {
  if (kind === "event") return store.events.nextAt();
  if (kind === "task") return store.tasks.nextAt();
  return nextTimed(store, kind);
}

function nextTimed({ database, dueLeases }: StoreContext, kind: TimedKind): number | undefined {
  let next: number | undefined;
  for (const { key, dueAt } of DUE_WORK[kind](database, Number.MAX_SAFE_INTEGER, dueLeases.size + 1)) {
    const until = dueLeases.findUntil(key, Number.NEGATIVE_INFINITY);
    next = Math.min(next ?? Number.POSITIVE_INFINITY, until ?? dueAt);
    // Rows come oldest first: behind one that nobody has, none is due earlier.
    if (until === undefined) return next;
  }
  return next;
}
