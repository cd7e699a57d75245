interface GathererInput<Item, Answer> {
  readonly batchSize: number;
  readonly commitsAtATime: number;
  /** Handles a batch. Returns results in the order of the items. */
  readonly handle: (batch: readonly Item[]) => Promise<readonly Answer[]>;
}

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** The largest ratio of a running batch to the work that starts next to it. */
const STRAGGLERS = 4;

/** Batches in which items that end together are handled: one is decided while the other is written. */
const PARTS = 2;
/**
 * Fewer items are handled together: a batch has costs of its own. With ten tasks at a time, parts took Postgres 20 % more
 * CPU a job and brought no more jobs.
 */
const LEAST_PARTED = 32;

/** Two turns of the event loop later a batch is decided, and on its way to a store that is another process. */
function afterDecision(act: () => void): void {
  setImmediate(() => setImmediate(act));
}

/** Handles items in batches: while batches are under way, the next one gathers. */
export function createGatherer<Item, Answer>({ batchSize, commitsAtATime, handle }: GathererInput<Item, Answer>) {
  const waiting: Waiting<Item, Answer>[] = [];
  const underWay = new Set<readonly Waiting<Item, Answer>[]>();
  let isScheduled = false;
  /** False for a store that writes in the same thread: there each batch has its own wait for the disk, and nothing overlaps. */
  let isWrittenApart = false;

  async function work(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await handle(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      underWay.delete(batch);
      flush();
    }
  }

  function flush(): void {
    if (underWay.size >= commitsAtATime || waiting.length === 0 || !isEnough()) return;
    const batch = waiting.splice(0, Math.min(batchSize, toShare()));
    underWay.add(batch);
    void work(batch);
    afterDecision(() => {
      isWrittenApart = underWay.has(batch);
      flush();
    });
  }

  /** Returns how many of the waiting items the next batch takes. */
  function toShare(): number {
    const isParted = isWrittenApart && underWay.size === 0 && commitsAtATime >= PARTS && waiting.length >= LEAST_PARTED;
    return isParted ? Math.ceil(waiting.length / PARTS) : waiting.length;
  }

  /**
   * Returns false for a few waiting items next to a large batch: they wait and join the items that follow from that
   * batch.
   */
  function isEnough(): boolean {
    for (const { length } of underWay) if (length > STRAGGLERS * waiting.length) return false;
    return true;
  }

  return {
    add(item: Item): Promise<Answer> {
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (isScheduled) return;
        isScheduled = true;
        // Items that end in the same turn of the event loop form one batch.
        queueMicrotask(() => {
          isScheduled = false;
          flush();
        });
      });
    },
  };
}
