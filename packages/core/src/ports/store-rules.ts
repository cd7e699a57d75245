import { StackyardError } from "../errors/stackyard-error.ts";
import type { Stack } from "../machine/stack.ts";
import type { Logger } from "./logger.ts";
import type { StackFilter, StoreSignal } from "./store.ts";

// What every store does in the same way, whatever it stores its rows in.

/** The listeners of a store in this process. */
export interface StoreListeners {
  /** Returns the function that stops the listener. */
  watch(listener: (signal: StoreSignal) => void): () => void;
  /** Calls every listener once per kind. */
  notify(kinds: Iterable<StoreSignal["kind"]>): void;
}

/** Creates an empty list of listeners. An error in a listener is logged and affects neither the write nor the others. */
export function createStoreListeners(logger: Logger): StoreListeners {
  const listeners = new Set<(signal: StoreSignal) => void>();
  return {
    watch(listener) {
      // The same function may be added twice.
      const own = (signal: StoreSignal) => {
        try {
          listener(signal);
        } catch (error) {
          logger.error("A listener of the store failed.", { error });
        }
      };
      listeners.add(own);
      return () => {
        listeners.delete(own);
      };
    },
    notify(kinds) {
      for (const kind of kinds) for (const listener of [...listeners]) listener({ kind });
    },
  };
}

/** Bits of the column `trouble`. */
export const TROUBLE = { failed: 1, stalled: 2, overdue: 4 } as const;

/** The columns by which a store finds stacks, derived from the record. */
export interface StackColumns {
  /** A task is pending, or the stack waits for its runs. */
  readonly busy: boolean;
  /** The sum of `TROUBLE`; null without any, so that an index on the column stays small. */
  readonly trouble: number | null;
  /** When the first timer is due. */
  readonly timerAt: number | null;
}

/** Derives the columns from a record. */
export function toStackColumns({ tasks, stalled, overdue, awaitsRuns, timers }: Stack): StackColumns {
  const failedBit = tasks.some(({ status }) => status === "ERROR") ? TROUBLE.failed : 0;
  const stalledBit = stalled === undefined ? 0 : TROUBLE.stalled;
  const overdueBit = overdue === true ? TROUBLE.overdue : 0;
  let timerAt: number | null = null;
  for (const { dueAt } of timers) timerAt = timerAt === null ? dueAt : Math.min(timerAt, dueAt);
  return {
    busy: awaitsRuns === true || tasks.some(({ status }) => status === "PENDING"),
    trouble: failedBit + stalledBit + overdueBit || null,
    timerAt,
  };
}

/** Evaluates the condition of a filter for stores that have no columns for it. `parked`: the stack's parked events. */
export function matchesCondition(
  condition: NonNullable<StackFilter["condition"]>,
  stack: Stack,
  parked: number,
): boolean {
  const { busy, trouble } = toStackColumns(stack);
  if (condition === "busy") return busy;
  if (condition === "waiting") return busy || trouble !== null || parked > 0;
  return ((trouble ?? 0) & TROUBLE[condition]) !== 0;
}

/** Parses a cursor that is a position. Undefined without a cursor. Throws `USAGE` for any other text. */
export function parsePosition(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (/^\d{1,16}$/.test(cursor)) return Number(cursor);
  throw new StackyardError("USAGE", "The cursor does not belong to this list. Start again without a cursor.");
}

/** Returns the end of the range of texts with that prefix. */
export function afterPrefix(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}
