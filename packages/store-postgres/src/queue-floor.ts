/** How long a place may be relied on: what comes back or is committed late below it waits so long at most. */
const TRUSTED_MS = 200;

/**
 * Where the next take begins to look in a queue. The places of rows that are gone stay in the index until the server
 * cleans up, once a minute: under load each take would pass tens of thousands of them.
 */
export class QueueFloor {
  #from = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** The lowest number that a take at that instant looks at; now and then, and after one that was not full, all of them. */
  next(now: number): number {
    if (this.#from > 0 && now >= this.#lookedAt && now < this.#lookedAt + TRUSTED_MS) return this.#from;
    this.#from = 0;
    this.#lookedAt = now;
    return 0;
  }

  /** What a take has found, in order; `isFull`: as many as it may give. */
  note(seqs: readonly number[], isFull: boolean): void {
    this.#from = isFull ? (seqs[0] ?? 0) : 0;
  }

  /** Something was given back: the next take looks at all. */
  reset(): void {
    this.#from = 0;
  }
}
