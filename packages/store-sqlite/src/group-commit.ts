import { StackyardError } from "@stackyard/core";
import type { StoreSignal } from "./port-types.ts";
import type { StoreContext } from "./store-context.ts";
import { Transaction } from "./transaction.ts";

/** What one caller wants written. Runs inside a transaction, and once more in one of its own when the group failed. */
export type Write<Result> = (transaction: Transaction) => Result;

interface Waiting {
  readonly write: Write<unknown>;
  readonly weight: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Done {
  readonly waiting: Waiting;
  readonly transaction: Transaction;
  readonly result: unknown;
}

/**
 * Writes of all callers, in the order of the calls, as many as wait in one transaction: they share its one wait for
 * the disk. Nothing is ever delayed in order to make a group larger. A write that fails undoes no other: the group is
 * rolled back and each runs alone.
 */
export class GroupCommit {
  readonly #store: StoreContext;
  readonly #maxGroup: number;
  readonly #onCommitted: (signals: ReadonlySet<StoreSignal["kind"]>) => void;
  #queue: Waiting[] = [];
  #scheduled = false;
  #closed = false;

  constructor(store: StoreContext, maxGroup: number, onCommitted: (signals: ReadonlySet<StoreSignal["kind"]>) => void) {
    this.#store = store;
    this.#maxGroup = maxGroup;
    this.#onCommitted = onCommitted;
  }

  /** Resolves once the write is on the disk. `weight`: how much of a group it fills. */
  write<Result>(write: Write<Result>, weight = 1): Promise<Result> {
    if (this.#closed) return Promise.reject(closedError());
    return new Promise<Result>((resolve, reject) => {
      // The queue holds writes of all types; each resolves with what its own function gave.
      this.#queue.push({ write, weight, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  /** Reads what is on the disk now; writes that still wait are not seen. Rejects with `STORE_CLOSED` after `close`. */
  async read<Result>(read: (store: StoreContext) => Result | Promise<Result>): Promise<Result> {
    if (this.#closed) throw closedError();
    return read(this.#store);
  }

  /** Writes what waits; later writes are refused. */
  close(): void {
    this.#closed = true;
    while (this.#queue.length > 0) this.#flush();
  }

  // A turn of the event loop, not a microtask: what the last group's callers do next joins the next group.
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
      if (this.#queue.length > 0) this.#schedule();
    });
  }

  #flush(): void {
    const group = this.#takeGroup();
    if (group.length === 0) return;
    try {
      this.#finish(this.#runTogether(group));
    } catch (error) {
      const [only, ...others] = group;
      if (only !== undefined && others.length === 0) only.reject(error);
      else for (const waiting of group) this.#runAlone(waiting);
    }
  }

  #takeGroup(): Waiting[] {
    let weight = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      weight += waiting.weight;
      if (count > 0 && weight > this.#maxGroup) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  #runAlone(waiting: Waiting): void {
    try {
      this.#finish(this.#runTogether([waiting]));
    } catch (error) {
      waiting.reject(error);
    }
  }

  #runTogether(group: readonly Waiting[]): readonly Done[] {
    this.#store.database.run("begin immediate");
    try {
      const done = group.map((waiting): Done => {
        const transaction = new Transaction(this.#store);
        return { waiting, transaction, result: waiting.write(transaction) };
      });
      this.#store.database.run("commit");
      return done;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  // SQLite ends the transaction itself after some errors, such as a full disk.
  #rollBack(): void {
    if (this.#store.database.isTransaction) this.#store.database.run("rollback");
  }

  #finish(done: readonly Done[]): void {
    for (const { transaction } of done) transaction.runEffects();
    for (const { waiting, result } of done) waiting.resolve(result);
    const signals = new Set(done.flatMap(({ transaction }) => [...transaction.signals]));
    if (signals.size > 0) this.#onCommitted(signals);
  }
}

function closedError(): StackyardError {
  return new StackyardError("STORE_CLOSED", "The store was closed. Open it again before you use it.");
}
