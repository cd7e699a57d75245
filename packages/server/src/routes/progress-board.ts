import { type Clock, listPages, mapLimited, type Store } from "@stackyard/core";
import type { Attempt } from "@stackyard/core/api";
import type { AttemptView, OpenAttempt } from "@stackyard/core/engine";
import { toAttempt } from "../schemas/stack.ts";

/** An attempt as it was when something of it changed. */
export interface ProgressEntry {
  /** Grows with each change of the board. */
  readonly seq: number;
  readonly attemptId: string;
  readonly stackId: string;
  readonly machine: string;
  readonly isOpen: boolean;
  /** The attempt as the API shows it, as JSON. */
  readonly text: string;
}

/** The open attempts of the yard and what has changed in them, read once for all streams. */
export interface ProgressBoard {
  /** Reads the store again unless that was done just now. */
  refresh(): Promise<void>;
  /** Returns entries that changed after `seq`, in the order of their changes. After 0: those of open attempts. */
  listAfter(seq: number): Iterable<ProgressEntry>;
}

interface BoardDeps {
  readonly store: Pick<Store, "queries" | "findAttempt">;
  readonly clock: Clock;
}

const REFRESH_MS = 500;
/** Maximum number of open attempts on the board: those that were dispatched first. */
const MOST_OPEN = 2_000;
/** Maximum number of ended attempts to remember for streams with slow clients. */
const MOST_ENDED = 500;
const PAGE = 500;
const LOOKED_UP_AT_ONCE = 8;

/** Creates an empty board. Reads nothing until a stream needs it. */
export function createProgressBoard({ store, clock }: BoardDeps): ProgressBoard {
  const entries = new Map<string, ProgressEntry>();
  let seq = 0;
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;

  function put(entry: Omit<ProgressEntry, "seq">): void {
    const known = entries.get(entry.attemptId);
    if (known?.text === entry.text && known.isOpen === entry.isOpen) return;
    seq += 1;
    // Moved to the end of the map, which is in the order of changes.
    entries.delete(entry.attemptId);
    entries.set(entry.attemptId, { ...entry, seq });
  }

  async function read(): Promise<void> {
    const open = new Set<string>();
    for (const attempt of await listOpen(store)) {
      const { attemptId, stackId, machine } = attempt;
      open.add(attemptId);
      put({ attemptId, stackId, machine, isOpen: true, text: toText(attempt, machine) });
    }
    const ended = [...entries.values()].filter(({ attemptId, isOpen }) => isOpen && !open.has(attemptId));
    await mapLimited(ended, LOOKED_UP_AT_ONCE, async (entry) => {
      const attempt = await store.findAttempt(entry.attemptId);
      put({ ...entry, isOpen: false, text: attempt === undefined ? entry.text : toText(attempt, entry.machine) });
    });
    const old = [...entries.values()].filter(({ isOpen }) => !isOpen).slice(0, -MOST_ENDED);
    for (const { attemptId } of old) entries.delete(attemptId);
  }

  return {
    async refresh() {
      if (clock.now() - readAt < REFRESH_MS) return reading;
      readAt = clock.now();
      reading = read().finally(() => {
        reading = undefined;
      });
      return reading;
    },
    *listAfter(after) {
      for (const entry of entries.values()) if (entry.seq > after && (after > 0 || entry.isOpen)) yield entry;
    },
  };
}

async function listOpen({ queries }: Pick<Store, "queries">): Promise<readonly OpenAttempt[]> {
  const found: OpenAttempt[] = [];
  for await (const { items } of listPages((start) => queries.listOpenAttempts({}, { limit: PAGE, ...start }))) {
    found.push(...items);
    if (found.length >= MOST_OPEN) break;
  }
  return found.slice(0, MOST_OPEN);
}

/** Formats an attempt without the end of its lease, which each renewal changes. */
function toText(attempt: AttemptView, machine: string): string {
  const { leaseUntil: _, ...view } = toAttempt(attempt);
  return JSON.stringify({ ...view, machine } satisfies Attempt & { machine: string });
}
