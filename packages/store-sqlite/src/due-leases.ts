/** Who took due work that needs no row of a queue: such leases live in memory and end with the process. */
export class DueLeases {
  /** In the order of the leases; those that ended are dropped from the beginning. */
  readonly #until = new Map<string, number>();

  get size(): number {
    return this.#until.size;
  }

  /** The end of the lease of that work; undefined when nobody has one. */
  findUntil(key: string, now: number): number | undefined {
    const until = this.#until.get(key);
    return until !== undefined && until > now ? until : undefined;
  }

  lease(key: string, until: number): void {
    this.#until.delete(key);
    this.#until.set(key, until);
  }

  /** Hands out again from that instant on; unknown keys are passed over. */
  giveBack(key: string, visibleAt: number): void {
    if (this.#until.has(key)) this.lease(key, visibleAt);
  }

  dropEnded(now: number): void {
    for (const [key, until] of this.#until) {
      if (until > now) return;
      this.#until.delete(key);
    }
  }
}
