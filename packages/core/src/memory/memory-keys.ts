/** What a key is given to: an attempt, ordered by its dispatch. */
export interface KeyHolder {
  readonly attemptId: string;
  readonly sequence: number;
  /** Keys that it has, sorted. */
  heldKeys: readonly string[];
  /** The key that it waits for. */
  queuedFor: string | undefined;
}

/** Exclusive keys and their queues. */
export interface MemoryKeys<Holder extends KeyHolder> {
  /** Takes the keys in sorted order; at the first that another one has it queues and gives that key. */
  takeAll(holder: Holder, keys: readonly string[]): string | undefined;
  /** Frees all keys, and leaves the queue. Gives those who got a key by that. */
  release(holder: Holder): readonly Holder[];
  /** Whom a queued one waits for, and at which place: 1 is next. */
  findPlace(holder: Holder): { readonly key: string; readonly holder: string; readonly place: number } | undefined;
}

interface Slot<Holder> {
  holder: Holder;
  /** In order of dispatch. */
  readonly waiters: Holder[];
}

/** A slot a key that somebody has. */
export function createMemoryKeys<Holder extends KeyHolder>(): MemoryKeys<Holder> {
  const slots = new Map<string, Slot<Holder>>();

  function leaveQueue(holder: Holder): void {
    const waiters = slots.get(holder.queuedFor ?? "")?.waiters ?? [];
    const index = waiters.indexOf(holder);
    if (index !== -1) waiters.splice(index, 1);
    holder.queuedFor = undefined;
  }

  function give(key: string, holder: Holder): void {
    holder.heldKeys = [...holder.heldKeys, key].sort();
    holder.queuedFor = undefined;
  }

  function takeOne(holder: Holder, key: string): boolean {
    const slot = slots.get(key);
    if (slot?.holder === holder) return true;
    if (slot === undefined) {
      slots.set(key, { holder, waiters: [] });
      give(key, holder);
      return true;
    }
    const later = slot.waiters.findIndex((waiter) => waiter.sequence > holder.sequence);
    slot.waiters.splice(later === -1 ? slot.waiters.length : later, 0, holder);
    holder.queuedFor = key;
    return false;
  }

  function passOn(key: string): Holder[] {
    const slot = slots.get(key);
    const next = slot?.waiters.shift();
    if (slot === undefined || next === undefined) {
      slots.delete(key);
      return [];
    }
    slot.holder = next;
    give(key, next);
    return [next];
  }

  return {
    takeAll(holder, keys) {
      leaveQueue(holder);
      return [...new Set(keys)].sort().find((key) => !takeOne(holder, key));
    },
    release(holder) {
      leaveQueue(holder);
      const keys = holder.heldKeys;
      holder.heldKeys = [];
      return keys.flatMap(passOn);
    },
    findPlace(holder) {
      const key = holder.queuedFor;
      const slot = slots.get(key ?? "");
      if (key === undefined || slot === undefined) return undefined;
      return { key, holder: slot.holder.attemptId, place: slot.waiters.indexOf(holder) + 1 };
    },
  };
}
