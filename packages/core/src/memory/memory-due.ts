import { toAttemptDue } from "../attempt/attempt.ts";
import type { DueItem, DueKind, TakeDueInput } from "../ports/work-queue.ts";
import type { MemoryAttempt } from "./memory-attempts.ts";
import { createDueIndex, type DueIndex } from "./memory-due-index.ts";
import type { MemoryQueue, Take } from "./memory-queue.ts";
import type { MemoryRows } from "./memory-rows.ts";

/** What is due by time, beside the rows of the queues. */
export type DueIndexes = Readonly<Record<Exclude<DueKind, "event" | "task">, DueIndex>>;

/** One index for each kind. */
export function createDueIndexes(): DueIndexes {
  return {
    timer: createDueIndex(),
    deadline: createDueIndex(),
    poll: createDueIndex(),
    parked: createDueIndex(),
    lapsedLease: createDueIndex(),
  };
}

/** One kind of due work. */
interface DueSource {
  findDueAt(take: Take): number | undefined;
  takeOne(take: Take): DueItem | undefined;
  nextDueAt(): number | undefined;
}

/** Takes over all kinds. */
export interface MemoryDue {
  take(input: TakeDueInput): readonly DueItem[];
  nextDueAt(kinds: readonly DueKind[]): number | undefined;
  giveBack(receipts: readonly string[], visibleAt: number): void;
}

/** Hands out what is due, oldest first over the kinds that are asked for. */
export function createMemoryDue(
  rows: MemoryRows,
  indexes: DueIndexes,
  findAttempt: (attemptId: string) => MemoryAttempt | undefined,
): MemoryDue {
  let takes = 0;
  const sources: Readonly<Record<DueKind, DueSource>> = {
    event: fromQueue(rows.events, ({ receipt, value, deliveries }) => ({
      kind: "event",
      receipt,
      event: value,
      deliveries,
    })),
    task: fromQueue(rows.tasks, ({ receipt, value, deliveries }) => ({ kind: "task", receipt, ...value, deliveries })),
    timer: fromIndex(indexes.timer, (stackId, dueAt) => ({ kind: "timer", stackId, dueAt })),
    parked: fromIndex(indexes.parked, (stackId, dueAt) => ({ kind: "parked", stackId, dueAt })),
    deadline: fromIndex(indexes.deadline, (id, dueAt) => toDeadline(findAttempt(id), dueAt)),
    poll: fromIndex(indexes.poll, (id, dueAt) => toMessage("poll", findAttempt(id), dueAt)),
    lapsedLease: fromIndex(indexes.lapsedLease, (id, dueAt) => toMessage("lapsedLease", findAttempt(id), dueAt)),
  };

  return {
    take({ kinds, now, limit, leaseMs }) {
      takes += 1;
      const take = { number: takes, now, leaseMs };
      const asked = kinds.map((kind) => sources[kind]);
      const items: DueItem[] = [];
      while (items.length < limit) {
        const item = findOldest(asked, take)?.takeOne(take);
        if (item === undefined) break;
        items.push(item);
      }
      return items;
    },
    nextDueAt(kinds) {
      const instants = kinds.flatMap((kind) => sources[kind].nextDueAt() ?? []);
      return instants.length === 0 ? undefined : Math.min(...instants);
    },
    giveBack(receipts, visibleAt) {
      for (const receipt of receipts) {
        rows.events.giveBack(receipt, visibleAt);
        rows.tasks.giveBack(receipt, visibleAt);
        const [, kind, attemptId = ""] = ATTEMPT_RECEIPT.exec(receipt) ?? [];
        if (kind === "poll" || kind === "lapsedLease") indexes[kind].hide(attemptId, visibleAt);
      }
    },
  };
}

const ATTEMPT_RECEIPT = /^(poll|lapsedLease):(.*)$/s;

function findOldest(sources: readonly DueSource[], take: Take): DueSource | undefined {
  let oldest: DueSource | undefined;
  let oldestAt = Number.POSITIVE_INFINITY;
  for (const source of sources) {
    const dueAt = source.findDueAt(take);
    if (dueAt === undefined || dueAt >= oldestAt) continue;
    oldest = source;
    oldestAt = dueAt;
  }
  return oldest;
}

function fromQueue<Value>(
  queue: MemoryQueue<Value>,
  toItem: (row: NonNullable<ReturnType<MemoryQueue<Value>["takeOne"]>>) => DueItem,
): DueSource {
  return {
    findDueAt: queue.findDueAt,
    takeOne(take) {
      const row = queue.takeOne(take);
      return row && toItem(row);
    },
    nextDueAt: queue.nextDueAt,
  };
}

function fromIndex(index: DueIndex, toItem: (key: string, dueAt: number) => DueItem | undefined): DueSource {
  return {
    findDueAt: ({ now }) => index.findDue(now)?.dueAt,
    takeOne({ now, leaseMs }) {
      const due = index.findDue(now);
      if (due === undefined) return undefined;
      index.hide(due.key, now + leaseMs);
      return toItem(due.key, due.dueAt);
    },
    nextDueAt: index.nextDueAt,
  };
}

function toDeadline(attempt: MemoryAttempt | undefined, dueAt: number): DueItem | undefined {
  if (attempt === undefined) return undefined;
  const { stackId, attemptId, task } = attempt.dispatch;
  const why = toAttemptDue(attempt).deadline?.why ?? "deadline";
  return { kind: "deadline", stackId, attemptId, task, why, dueAt };
}

function toMessage(
  kind: "poll" | "lapsedLease",
  attempt: MemoryAttempt | undefined,
  dueAt: number,
): DueItem | undefined {
  if (attempt === undefined) return undefined;
  const { attemptId, message } = attempt.dispatch;
  return { kind, receipt: `${kind}:${attemptId}`, attemptId, message, dueAt };
}
