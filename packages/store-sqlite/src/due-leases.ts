/** Who took due work of stacks: such leases live in memory and end with the process. */
export class DueLeases {
  /** In the order of the leases; those that ended are dropped from the beginning. */
  readonly #until = new Map<string, number>();

  get size(): number {
    return this.#until.size;
  }

  /** The end of the lease of that work; undefined when it is not leased. */
  findUntil(key: string, now: number): number | undefined {
    const until = this.#until.get(key);
    return until !== undefined && until > now ? until : undefined;
  }

  lease(key: string, until: number): void {
    this.#until.delete(key);
    this.#until.set(key, until);
  }

  dropEnded(now: number): void {
    for (const [key, until] of this.#until) {
      if (until > now) return;
      this.#until.delete(key);
    }
  }
}
