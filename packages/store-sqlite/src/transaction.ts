import type { Database } from "./database.ts";
import type { StoreSignal } from "./port-types.ts";
import type { StoreContext } from "./store-context.ts";
import type { Counted } from "./tally.ts";

/** One write in the making: its statements, and what shall happen in memory once they are on the disk. */
export class Transaction {
  readonly store: StoreContext;
  readonly signals = new Set<StoreSignal["kind"]>();
  readonly #effects: (() => void)[] = [];

  constructor(store: StoreContext) {
    this.store = store;
  }

  get database(): Database {
    return this.store.database;
  }

  /** Runs after the commit, never when it is undone. */
  afterCommit(effect: () => void): void {
    this.#effects.push(effect);
  }

  /** Changes a count of `stats` with the commit. */
  count(counted: Counted, delta: number): void {
    this.#effects.push(() => this.store.tally.add(counted, delta));
  }

  /** Tells the listeners after the commit. */
  signal(kind: StoreSignal["kind"]): void {
    this.signals.add(kind);
  }

  /** The commit is on the disk. */
  runEffects(): void {
    for (const effect of this.#effects) effect();
  }
}
