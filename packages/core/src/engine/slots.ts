/** The time for which tasks of the queue wait for tasks that follow from a result, which cost one commit less. */
const LONGEST_WAIT_MS = 200;

/** A caller that waits for a slot for a task of the queue. */
interface WaitingCaller {
  readonly since: number;
  readonly take: () => void;
}

/** A slot that is kept for an attempt that is about to begin. */
interface KeptPlace {
  readonly stackId: string;
  isTaken: boolean;
}

/**
 * Limits the tasks that run at the same time in one process. Some slots are kept for attempts that are about to begin.
 */
export class Slots {
  readonly #now: () => number;
  #free: number;
  #kept = 0;
  /** Slots added for ended tasks whose results are being written: those tasks have not released their own slots yet. */
  #added = 0;
  #endedAt = Number.NEGATIVE_INFINITY;
  readonly #keptByStack = new Map<string, KeptPlace[]>();
  readonly #waiting: WaitingCaller[] = [];
  readonly #patient: (() => void)[] = [];
  readonly #watching = new Set<() => void>();

  constructor(size: number, now: () => number = Date.now) {
    this.#free = size;
    this.#now = now;
  }

  /** Returns the number of slots that are free and not kept. */
  get free(): number {
    return Math.max(0, this.#free - this.#kept);
  }

  /** Returns the number of those slots that remain when all pending results are written. */
  get #freeForGood(): number {
    return Math.max(0, Math.min(this.free, this.#free - this.#added));
  }

  /** Returns when the last task ended whose result this process decides, in epoch milliseconds. */
  get endedAt(): number {
    return this.#endedAt;
  }

  /** Takes up to `most` slots for tasks of the queue. Returns the number of slots taken. */
  take(most: number): number {
    const taken = Math.min(most, this.free);
    this.#free -= taken;
    return taken;
  }

  /**
   * Takes a slot for an attempt that begins: one that is kept for its stack, otherwise a free one. Returns false
   * without one.
   */
  takeForBirth(stackId: string): boolean {
    // A kept slot also counts while the ended task has not released its own slot yet.
    const [place] = this.#keptByStack.get(stackId) ?? [];
    if (place === undefined && this.free === 0) return false;
    if (place !== undefined) place.isTaken = true;
    this.#unkeep(place);
    this.#free -= 1;
    return true;
  }

  /**
   * Takes the next free slot, in the order of the callers. Resolves with false when the wait was aborted.
   */
  takeNext(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(false);
      const entry = {
        since: this.#now(),
        take: () => {
          signal.removeEventListener("abort", giveUp);
          this.#free -= 1;
          resolve(true);
        },
      };
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        resolve(false);
      };
      this.#waiting.push(entry);
      signal.addEventListener("abort", giveUp, { once: true });
      if (this.free > 0) this.#waiting.shift()?.take();
    });
  }

  /** Waits until a slot is free that no other caller waits for and that `widen` did not add, and takes it. */
  async takeLast(): Promise<void> {
    if (this.#freeForGood === 0) await new Promise<void>((resolve) => this.#patient.push(resolve));
    else this.#free -= 1;
  }

  /** Frees slots. Default: one. */
  release(count = 1): void {
    this.#free += count;
    this.#serve();
  }

  /** Resolves when a slot is free and not kept, or when the signal aborts. */
  async whenFree(signal: AbortSignal): Promise<void> {
    if (this.free > 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        this.#watching.delete(end);
        signal.removeEventListener("abort", end);
        resolve();
      };
      this.#watching.add(end);
      signal.addEventListener("abort", end, { once: true });
    });
  }

  /**
   * Frees the slots that were taken for the stacks, and keeps a free slot for each of these stacks while there are any.
   * Returns a function that stops keeping them and returns the share of the kept slots that attempts have taken.
   */
  keep(stackIds: Iterable<string>, taken: number): () => number {
    this.#free += taken;
    const places: KeptPlace[] = [];
    for (const stackId of stackIds) if (this.free > 0) places.push(this.#keep(stackId));
    this.#serve();
    return () => {
      for (const place of places) this.#unkeep(place);
      this.#serve();
      return places.length === 0 ? 1 : places.filter(({ isTaken }) => isTaken).length / places.length;
    };
  }

  /** Stops keeping slots for these stacks: the attempts that begin with their inputs have taken theirs. */
  endKeeping(stackIds: Iterable<string>): void {
    for (const stackId of stackIds)
      for (const place of [...(this.#keptByStack.get(stackId) ?? [])]) this.#unkeep(place);
    this.#serve();
  }

  /**
   * Adds a slot temporarily, because a task of the stack has ended and only its result is still to be written. The slot
   * is kept for the attempt that this result begins, unless a caller has waited too long. Returns the function that
   * removes the slot.
   */
  widen(stackId: string): () => void {
    this.#free += 1;
    this.#added += 1;
    this.#endedAt = this.#now();
    const [first] = this.#waiting;
    const isLate = first !== undefined && first.since <= this.#endedAt - LONGEST_WAIT_MS;
    const place = isLate ? undefined : this.#keep(stackId);
    if (isLate) this.#waiting.shift()?.take();
    return () => {
      this.#free -= 1;
      this.#added -= 1;
      this.#unkeep(place);
      this.#serve();
    };
  }

  #keep(stackId: string): KeptPlace {
    const place = { stackId, isTaken: false };
    const places = this.#keptByStack.get(stackId);
    if (places === undefined) this.#keptByStack.set(stackId, [place]);
    else places.push(place);
    this.#kept += 1;
    return place;
  }

  /**
   * Stops keeping a slot. A slot that an attempt has taken is ignored: other slots of the stack are kept for other
   * attempts.
   */
  #unkeep(place: KeptPlace | undefined): void {
    if (place === undefined) return;
    const places = this.#keptByStack.get(place.stackId) ?? [];
    const at = places.indexOf(place);
    if (at === -1) return;
    places.splice(at, 1);
    if (places.length === 0) this.#keptByStack.delete(place.stackId);
    this.#kept -= 1;
  }

  #serve(): void {
    while (this.free > 0 && this.#waiting.length > 0) this.#waiting.shift()?.take();
    while (this.#freeForGood > 0 && this.#patient.length > 0) {
      this.#free -= 1;
      this.#patient.shift()?.();
    }
    if (this.free > 0) for (const resolve of this.#watching) resolve();
  }
}
