import { createHeap } from "./heap.ts";

/** What is due when: one instant a key. */
export interface DueIndex {
  /** The key's instant; undefined: nothing is due any more. The same instant again changes nothing. */
  set(key: string, dueAt: number | undefined): void;
  /** Hides the key until then, or until it gets another instant. */
  hide(key: string, until: number): void;
  /** The earliest one, when it is due by then and not hidden. */
  findDue(now: number): { readonly key: string; readonly dueAt: number } | undefined;
  nextDueAt(): number | undefined;
}

interface Entry {
  readonly key: string;
  readonly dueAt: number;
  readonly visibleAt: number;
  /** Of two with one instant the one that was set first is handed out first. */
  readonly sequence: number;
}

/** A heap whose outdated entries are dropped when they come to the top, so that every call is O(log n). */
export function createDueIndex(): DueIndex {
  const entries = new Map<string, Entry>();
  const heap = createHeap<Entry>(
    (a, b) => a.visibleAt < b.visibleAt || (a.visibleAt === b.visibleAt && a.sequence < b.sequence),
  );
  let sequence = 0;

  function add(key: string, dueAt: number, visibleAt: number): void {
    sequence += 1;
    const entry = { key, dueAt, visibleAt, sequence };
    entries.set(key, entry);
    heap.push(entry);
  }

  function findFirst(): Entry | undefined {
    for (let first = heap.peek(); first !== undefined; first = heap.peek()) {
      if (entries.get(first.key) === first) return first;
      heap.pop();
    }
    return undefined;
  }

  return {
    set(key, dueAt) {
      if (dueAt === undefined) entries.delete(key);
      else if (entries.get(key)?.dueAt !== dueAt) add(key, dueAt, dueAt);
    },
    hide(key, until) {
      const entry = entries.get(key);
      if (entry !== undefined) add(key, entry.dueAt, until);
    },
    findDue(now) {
      const first = findFirst();
      return first !== undefined && first.visibleAt <= now ? first : undefined;
    },
    nextDueAt: () => findFirst()?.visibleAt,
  };
}
